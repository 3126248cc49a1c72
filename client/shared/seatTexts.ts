/** The words of the seat flow. Apart from shared/texts.ts, so that who only watches does not load them before the first picture. */
import { textsOf } from './language.ts';
import { type SeatTextKey, seatsEn } from './texts/seats.en.ts';
import { seatsZh } from './texts/seats.zh.ts';
import type { Language } from './texts.ts';

export type { SeatTextKey };
export const SEAT_TEXTS: Record<Language, Record<SeatTextKey, string>> = { en: seatsEn, zh: seatsZh };

/** As `t`. */
export const seatText = textsOf(SEAT_TEXTS);
