/** The words of a scheduled broadcast. */
import { textsOf } from '../../shared/language.ts';
import { type UpcomingTextKey, upcomingEn } from '../../shared/texts/upcoming.en.ts';
import { upcomingZh } from '../../shared/texts/upcoming.zh.ts';
import type { Language } from '../../shared/texts.ts';

export const UPCOMING_TEXTS: Record<Language, Record<UpcomingTextKey, string>> = { en: upcomingEn, zh: upcomingZh };

/** As `t`. */
export const upcomingText = textsOf(UPCOMING_TEXTS);
