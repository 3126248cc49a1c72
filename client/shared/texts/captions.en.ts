/** The words of the captions form, in English (studio/room/scene/captionTexts.ts). */
export const captionsEn = {
  'captions.title': 'Captions',
  'captions.line': 'Captions line',
  'captions.hint': 'Enter sends the line. The next one takes its place.',
  'captions.hint.offAir': 'Until you are live it is on the picture only.',
  'captions.send': 'Send',
  'captions.takeOff': 'Take off',
  'captions.now': 'Shown now: {text}',
  'captions.none': 'No line is shown.',
  'captions.place': 'Shown',
  'captions.place.both': 'Picture and captions',
  'captions.place.viewers': 'Captions only',
  'captions.place.picture': 'Picture only',
  'captions.stay': 'Stays',
  'captions.stay.read': 'Reading time',
  'captions.stay.seconds': '{seconds} seconds',
  'captions.stay.next': 'Until the next line',
  'captions.language': 'Language',
  'captions.language.und': 'Not named',
  'captions.language.next': 'For your next broadcast',
} as const;
export type CaptionTextKey = keyof typeof captionsEn;
