import type { WatchKeysTextKey } from './watchKeys.en.ts';

/** The words of the watch page's list of keys, in Simplified Chinese. */
export const watchKeysZh: Record<WatchKeysTextKey, string> = {
  'watch-keys.title': '键盘快捷键',
  'watch-keys.or': '或',
  'watch-keys.space': '空格',
  'watch-keys.play': '播放或暂停',
  'watch-keys.mute': '开关声音',
  'watch-keys.full': '全屏',
  'watch-keys.live': '回到直播',
  'watch-keys.captions': '开关字幕',
  'watch-keys.help': '显示本列表',
  'watch-keys.switch': '启用单键快捷键',
  'watch-keys.switch.hint':
    '如果你使用语音输入，或快捷键与屏幕阅读器冲突，可以关闭。焦点在播放器内时，播放器自带的按键仍然有效。',
};
