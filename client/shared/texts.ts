/** Every word on the pages, in every language. */
import { en, type TextKey } from './texts/en.ts';
import { zh } from './texts/zh.ts';

export type { TextKey };
export type Language = 'en' | 'zh';
export const TEXTS: Record<Language, Record<TextKey, string>> = { en, zh };
