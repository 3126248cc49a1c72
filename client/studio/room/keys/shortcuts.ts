/**
 * The studio's keys: the one list of them. In: a key event. Out: which of them it is. The dialog shows this list, StudioKeys.tsx does what it
 * says. Pure.
 */

export type ShortcutId =
  | 'mute'
  | 'camera'
  | 'screen'
  | 'panel'
  | 'program'
  | 'show'
  | 'scene'
  | 'chat'
  | 'layout'
  | 'pin'
  | 'lowerThird'
  | 'live'
  | 'undo'
  | 'redo'
  | 'help';

/** `digit`: 1 to 9. `mod`: Ctrl, or Command on a Mac. */
export interface Chord {
  key: string;
  shift?: true;
  mod?: true;
}

export interface Shortcut {
  id: ShortcutId;
  group: 'own' | 'room' | 'host';
  chords: readonly Chord[];
}

/** So many layouts have a digit: the ones of the contract in the order of the picker. */
export const LAYOUT_KEYS = 7;
/** So many people have one. */
export const PIN_KEYS = 9;

export const SHORTCUTS: readonly Shortcut[] = [
  { id: 'mute', group: 'own', chords: [{ key: 'm' }] },
  { id: 'camera', group: 'own', chords: [{ key: 'v' }] },
  { id: 'screen', group: 'own', chords: [{ key: 's' }] },
  { id: 'panel', group: 'room', chords: [{ key: 'p' }] },
  { id: 'program', group: 'room', chords: [{ key: 'w' }] },
  { id: 'show', group: 'room', chords: [{ key: 'b' }] },
  { id: 'chat', group: 'room', chords: [{ key: 'c' }] },
  { id: 'help', group: 'room', chords: [{ key: '?' }] },
  { id: 'scene', group: 'host', chords: [{ key: 'e' }] },
  { id: 'layout', group: 'host', chords: [{ key: 'digit' }] },
  { id: 'pin', group: 'host', chords: [{ key: 'digit', shift: true }] },
  { id: 'lowerThird', group: 'host', chords: [{ key: 'l' }] },
  { id: 'live', group: 'host', chords: [{ key: 'g' }] },
  { id: 'undo', group: 'host', chords: [{ key: 'z', mod: true }] },
  {
    id: 'redo',
    group: 'host',
    chords: [
      { key: 'z', mod: true, shift: true },
      { key: 'y', mod: true },
    ],
  },
];

/** What of a KeyboardEvent counts. */
export type Press = Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>;

export interface Match {
  id: ShortcutId;
  /** 1 to 9, where it is a digit's. */
  digit: number;
  /** It works also while the keys of one letter are off. */
  withModifier: boolean;
}

/**
 * The letter that is meant. Digits are those of the row, whatever a layout has there with and without Shift; letters are what is printed on the
 * key, or its place on a keyboard whose script is not Latin. A Chinese input method makes a full-width question mark.
 */
function keyOf({ key, code }: Press): { key: string; digit: number } {
  const digit = Number(/^Digit([1-9])$/.exec(code)?.[1] ?? 0);
  if (digit > 0) return { key: 'digit', digit };
  if (key === '?' || key === '？') return { key: '?', digit: 0 };
  const letter = /^[a-z]$/i.test(key) ? key : (/^Key([A-Z])$/.exec(code)?.[1] ?? '');
  return { key: letter.toLowerCase(), digit: 0 };
}

/** Which shortcut this is; undefined: none. */
export function shortcutOf(press: Press): Match | undefined {
  if (press.altKey) return undefined;
  const { key, digit } = keyOf(press);
  const mod = press.ctrlKey || press.metaKey;
  const found = SHORTCUTS.find(({ chords }) =>
    chords.some(
      (chord) =>
        chord.key === key &&
        (chord.mod ?? false) === mod &&
        // A question mark needs Shift on some keyboards and not on others.
        (key === '?' || (chord.shift ?? false) === press.shiftKey),
    ),
  );
  if (!found || (found.id === 'layout' && digit > LAYOUT_KEYS)) return undefined;
  return { id: found.id, digit, withModifier: mod };
}

/** As they are printed on the keys. `mac`: the computer is one. */
export function printed({ key, shift, mod }: Chord, mac: boolean): string[] {
  const last = key === 'digit' ? (shift ? `1 – ${PIN_KEYS}` : `1 – ${LAYOUT_KEYS}`) : key.toUpperCase();
  return [...(mod ? [mac ? '⌘' : 'Ctrl'] : []), ...(shift ? ['Shift'] : []), last];
}
