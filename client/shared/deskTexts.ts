/** The words of the host's desk and of the studio's keys. Apart from shared/texts.ts: who only watches does not load them. */
import { textsOf } from './language.ts';
import { type DeskTextKey, deskEn } from './texts/desk.en.ts';
import { deskZh } from './texts/desk.zh.ts';
import type { Language } from './texts.ts';

export type { DeskTextKey };
export const DESK_TEXTS: Record<Language, Record<DeskTextKey, string>> = { en: deskEn, zh: deskZh };

/** As `t`. */
export const deskText = textsOf(DESK_TEXTS);
