/** How a host of this browser does captions: remembered from one line, and one broadcast, to the next. */
import { language as pageLanguage } from '../../shared/language.ts';
import { remembered } from '../../shared/storage.ts';

export const PLACES = ['both', 'viewers', 'picture'] as const;
export type Place = (typeof PLACES)[number];

/** How long a line stays: as long as it takes to read, so many seconds, or until the next. */
export const STAYS = ['read', '4', '8', '15', 'next'] as const;
export type Stay = (typeof STAYS)[number];

/** BCP 47 tags that can be chosen; `und` is said of none. Any other by the API. */
export const LANGUAGES = [
  ...['en', 'zh-Hans', 'zh-Hant', 'ja', 'ko', 'es', 'pt', 'fr', 'de', 'ru', 'ar', 'hi', 'id', 'vi', 'th', 'und'],
] as const;

const oneOf = <T extends string>(all: readonly T[], key: string, otherwise: T): T =>
  all.find((one) => one === remembered.get(`captions.${key}`)) ?? otherwise;

export const captionPlace = (): Place => oneOf(PLACES, 'place', 'both');
export const captionStay = (): Stay => oneOf(STAYS, 'stay', 'read');
/** What is spoken is mostly what the page is read in. */
export const captionLanguage = (): string =>
  oneOf(LANGUAGES, 'language', pageLanguage.value === 'zh' ? 'zh-Hans' : 'en');

export const rememberCaption = (key: 'place' | 'stay' | 'language', value: string): void =>
  remembered.set(`captions.${key}`, value);

/** As the server takes it: left out, it reckons how long the line takes to read. */
export function durationOf(stay: Stay): { durationMs?: number | null } {
  if (stay === 'read') return {};
  return { durationMs: stay === 'next' ? null : Number(stay) * 1000 };
}
