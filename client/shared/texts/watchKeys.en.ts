/** The words of the watch page's list of keys, in English. */
export const watchKeysEn = {
  'watch-keys.title': 'Keyboard shortcuts',
  'watch-keys.or': 'or',
  'watch-keys.space': 'Space',
  'watch-keys.play': 'Play or pause',
  'watch-keys.mute': 'Sound on or off',
  'watch-keys.full': 'Full screen',
  'watch-keys.live': 'Back to live',
  'watch-keys.captions': 'Captions on or off',
  'watch-keys.help': 'This list',
  'watch-keys.switch': 'Shortcuts of one key',
  'watch-keys.switch.hint':
    'Turn them off if you dictate, or if they get in the way of your screen reader. The player’s own keys work while the focus is inside it.',
} as const;

export type WatchKeysTextKey = keyof typeof watchKeysEn;
