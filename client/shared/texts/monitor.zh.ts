import type { MonitorTextKey } from './monitor.en.ts';

/** The words of the studio's view of the program, in Simplified Chinese. */
export const monitorZh: Record<MonitorTextKey, string> = {
  'monitor.title': '直播画面',
  'monitor.show': '显示直播画面',
  'monitor.hide': '隐藏直播画面',
  'monitor.picture': '观众看到的直播画面',
  'monitor.state.off': '尚未开播',
  'monitor.state.starting': '正在启动…',
  'monitor.state.live': '直播中',
  'monitor.state.recovering': '正在恢复…',
  'monitor.state.missing': '没有画面',
  'monitor.lead.off': '开播后，这里显示观众看到的画面。',
  'monitor.lead.starting': '画面几秒后就会出现。',
  'monitor.lead.recovering': '直播正在恢复，无需任何操作。',
  'monitor.lead.missing': '直播正常进行，只是画面没有传到本页面，观众不受影响。',
  'monitor.said.shown': '已显示直播画面',
  'monitor.said.hidden': '已隐藏直播画面',
  'monitor.listen': '收听直播声音',
  'monitor.listening': '你听到的是观众听到的声音（不含你自己），此时不再直接播放连麦声音。',
};
