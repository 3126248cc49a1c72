import { signal } from '@preact/signals';
import { remembered } from './storage.ts';
import { type Language, TEXTS, type TextKey } from './texts.ts';

/** The first of the browser's languages that we have; Chinese of every script reads our Simplified Chinese. */
export function chooseLanguage(wishes: readonly string[]): Language {
  for (const wish of wishes) {
    const code = wish.toLowerCase().split('-')[0];
    if (code === 'zh' || code === 'en') return code;
  }
  return 'en';
}

function initial(): Language {
  const kept = remembered.get('language');
  if (kept === 'en' || kept === 'zh') return kept;
  return chooseLanguage(typeof navigator === 'undefined' ? [] : navigator.languages);
}

export const language = signal<Language>(initial());

export function setLanguage(next: Language): void {
  remembered.set('language', next);
  language.value = next;
}

/** Fills `{name}` in a text; what has no value stays as it is, so that it is noticed. */
export function fill(text: string, values: Record<string, string | number> = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** A text in the chosen language. Reads the language signal: a component that calls it is drawn again when it changes. */
export function t(key: TextKey, values?: Record<string, string | number>): string {
  return fill(TEXTS[language.value][key], values);
}

/** As `t`, for the words of one part of the pages that are loaded with it and not with every page. */
export const textsOf =
  <K extends string>(texts: Record<Language, Record<K, string>>) =>
  (key: K, values?: Record<string, string | number>): string =>
    fill(texts[language.value][key], values);
