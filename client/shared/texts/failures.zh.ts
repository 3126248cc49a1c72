import type { FailureTextKey } from './failures.en.ts';

/** What one can do when something fails in the studio, in Simplified Chinese. */
export const failuresZh: Record<FailureTextKey, string> = {
  'failure.watch': '改为观看直播',
  'failure.watch.wait': '先观看直播',
  'failure.full': '请停留在此页面，一有空位会自动让你进入。',
  'failure.stop': '不再等待',
  'failure.devices': '选择设备',
};
