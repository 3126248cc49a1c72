/** The words of a scheduled broadcast on the watch page, in English; loaded after what is needed for a picture (watch/later/upcomingTexts.ts). */
export const upcomingEn = {
  'upcoming.title': 'Scheduled',
  'upcoming.at': 'Starts {when}',
  'upcoming.do': 'Stay on this page: it starts by itself.',
  'upcoming.now': 'Starting any moment…',
  'upcoming.calendar': 'Add to calendar',
  'upcoming.event': 'Live: {room}',
};
export type UpcomingTextKey = keyof typeof upcomingEn;
