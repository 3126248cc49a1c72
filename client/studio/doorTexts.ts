/** The words of the door: devices, speaker, network, and what becomes of a connection that drops. Loaded with the studio, or with the way onto the stage. */
import { textsOf } from '../shared/language.ts';
import { type DoorTextKey, doorEn } from '../shared/texts/door.en.ts';
import { doorZh } from '../shared/texts/door.zh.ts';
import type { Language } from '../shared/texts.ts';

export type { DoorTextKey };
export const DOOR_TEXTS: Record<Language, Record<DoorTextKey, string>> = { en: doorEn, zh: doorZh };

/** As `t`. */
export const doorText = textsOf(DOOR_TEXTS);
