/** The words of the studio's view of the program, in English (shared/monitorTexts.ts). */
export const monitorEn = {
  'monitor.title': 'Program',
  'monitor.show': 'Show the program',
  'monitor.hide': 'Hide the program',
  'monitor.picture': 'The program as viewers get it',
  'monitor.state.off': 'Not live yet',
  'monitor.state.starting': 'Starting…',
  'monitor.state.live': 'On air',
  'monitor.state.recovering': 'Coming back…',
  'monitor.state.missing': 'No picture',
  'monitor.lead.off': 'Once you go live, you see here what your viewers see.',
  'monitor.lead.starting': 'The picture is there in a few seconds.',
  'monitor.lead.recovering': 'The program is being restored. Nothing needs to be done.',
  'monitor.lead.missing': 'The program goes out, but its picture does not reach this page. Viewers do not notice.',
  'monitor.said.shown': 'The program is shown',
  'monitor.said.hidden': 'The program is hidden',
  'monitor.listen': 'Listen to the program',
  'monitor.listening': 'You hear the program without yourself, as viewers do; people are not heard directly meanwhile.',
} as const;

export type MonitorTextKey = keyof typeof monitorEn;
