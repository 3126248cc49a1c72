/** The words of the watch page's list of keys: loaded with the list. */
import { textsOf } from '../../shared/language.ts';
import { type WatchKeysTextKey, watchKeysEn } from '../../shared/texts/watchKeys.en.ts';
import { watchKeysZh } from '../../shared/texts/watchKeys.zh.ts';
import type { Language } from '../../shared/texts.ts';

export const WATCH_KEY_TEXTS: Record<Language, Record<WatchKeysTextKey, string>> = { en: watchKeysEn, zh: watchKeysZh };

/** As `t`. */
export const watchKeyText = textsOf(WATCH_KEY_TEXTS);
