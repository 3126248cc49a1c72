/** The words of the captions form. Apart from shared/texts.ts, so that who only watches does not load them before the first picture. */
import { textsOf } from '../../../shared/language.ts';
import { type CaptionTextKey, captionsEn } from '../../../shared/texts/captions.en.ts';
import { captionsZh } from '../../../shared/texts/captions.zh.ts';
import type { Language } from '../../../shared/texts.ts';

export const CAPTION_TEXTS: Record<Language, Record<CaptionTextKey, string>> = { en: captionsEn, zh: captionsZh };

/** As `t`. */
export const captionText = textsOf(CAPTION_TEXTS);
