/** The words of going live, scheduling and recording; loaded with the studio. */
import { textsOf } from '../../../shared/language.ts';
import { type ShowTextKey, showEn } from '../../../shared/texts/show.en.ts';
import { showZh } from '../../../shared/texts/show.zh.ts';
import type { Language } from '../../../shared/texts.ts';

export const SHOW_TEXTS: Record<Language, Record<ShowTextKey, string>> = { en: showEn, zh: showZh };

/** As `t`. */
export const showText = textsOf(SHOW_TEXTS);
