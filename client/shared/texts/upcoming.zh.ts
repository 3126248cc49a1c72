import type { UpcomingTextKey } from './upcoming.en.ts';

/** As upcoming.en.ts, in Simplified Chinese. */
export const upcomingZh: Record<UpcomingTextKey, string> = {
  'upcoming.title': '直播预告',
  'upcoming.at': '{when} 开播',
  'upcoming.do': '请留在此页，到时间会自动播放。',
  'upcoming.now': '即将开播…',
  'upcoming.calendar': '添加到日历',
  'upcoming.event': '直播：{room}',
};
