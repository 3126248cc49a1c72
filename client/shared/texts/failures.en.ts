/** What one can do when something fails in the studio, in English (shared/failureTexts.ts). */
export const failuresEn = {
  'failure.watch': 'Watch the show instead',
  'failure.watch.wait': 'Watch meanwhile',
  'failure.full': 'Stay on this page: you come in by yourself as soon as there is a free seat.',
  'failure.stop': 'Stop waiting',
  'failure.devices': 'Choose a device',
} as const;

export type FailureTextKey = keyof typeof failuresEn;
