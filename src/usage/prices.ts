/**
 * What use costs (LIANMAI_PRICES). In: amounts of one sum. Out: money.
 *
 * Reckoned with whole numbers and no rounding (BigInt), as a fraction of the smallest currency unit, and rounded once at the end, half a unit
 * away from zero. The total of an answer is reckoned from its amounts and not from its rounded sums, so it may differ from theirs by half a unit for each.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { RenditionId } from '../contracts/ids.ts';
import type { Money, UsageKind } from '../contracts/usage.ts';

/** Decimals of a price. */
const PRICE_DECIMALS = 12;
/** Lines of a CSV file have so many decimals more than the currency, so that a line of little use is not nothing. */
const LINE_DECIMALS = 6;

const HOUR_MS = 3_600_000n;
const MINUTE_MS = 60_000n;
const GIGABYTE = 1_000_000_000n;
/** A multiple of all three. */
const DENOMINATOR = HOUR_MS * GIGABYTE;

/** A decimal, such as `0.0125`: a number of JSON is taken as it is written. */
const Price = z
  .union([z.string(), z.number().transform(String)])
  .pipe(z.string().regex(/^\d{1,9}(\.\d{1,12})?$/, 'a price has up to 12 decimals, such as "0.0125"'))
  .transform(scaled);

export const PriceTable = z.strictObject({
  /** ISO 4217. */
  currency: z.string().regex(/^[A-Z]{3}$/, 'a currency is three letters, such as EUR'),
  /** How many decimals its smallest unit has: 2 for EUR, 0 for JPY. */
  decimals: z.int().min(0).max(4).default(2),
  /** An hour of a program, in steps of 100 ms. */
  activeHour: Price.prefault('0'),
  /** An hour of compositors' CPU. */
  cpuHour: Price.prefault('0'),
  /** A minute of a rendition that comes out; `*` is for those that are not named. */
  outputMinute: z.record(z.union([z.literal('*'), RenditionId]), Price).default({}),
  /** A gigabyte (10^9 bytes) to destinations, and to viewers. */
  egressGigabyte: Price.prefault('0'),
  viewerGigabyte: Price.prefault('0'),
});
export type PriceTable = z.output<typeof PriceTable>;

/** Use of one kind: ms or bytes. */
export interface UsageLine {
  kind: UsageKind;
  subject: string;
  amount: number;
}

/** `text` is JSON, or the name of a file that has it; empty: no table. Throws an Error whose message is a sentence. */
export function readPrices(text: string): PriceTable | null {
  if (text.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text.trimStart().startsWith('{') ? text : readFileSync(text, 'utf8'));
  } catch (error) {
    throw new Error(`the price table can not be read: ${(error as Error).message}`, { cause: error });
  }
  const parsed = PriceTable.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`the price table: ${[issue?.path.join('.'), issue?.message].filter(Boolean).join(': ')}`);
}

/** Of all lines together, rounded once. */
export function moneyOf(lines: readonly UsageLine[], table: PriceTable): Money {
  const minor = rounded(lines, table, table.decimals);
  return { currency: table.currency, minor: Number(minor), amount: decimal(minor, table.decimals) };
}

/** Of one line, with six decimals more than the currency has. */
export function lineAmount(line: UsageLine, table: PriceTable): string {
  const decimals = table.decimals + LINE_DECIMALS;
  return decimal(rounded([line], table, decimals), decimals);
}

function rounded(lines: readonly UsageLine[], table: PriceTable, decimals: number): bigint {
  const numerator = lines.reduce((sum, line) => sum + priced(line, table), 0n) * 10n ** BigInt(decimals);
  const denominator = DENOMINATOR * 10n ** BigInt(PRICE_DECIMALS);
  // Amounts and prices are never negative.
  return (2n * numerator + denominator) / (2n * denominator);
}

/** In units of 1 / (DENOMINATOR × 10^PRICE_DECIMALS) of the currency. */
function priced({ kind, subject, amount }: UsageLine, table: PriceTable): bigint {
  const [price, unit] = {
    active: [table.activeHour, HOUR_MS],
    cpu: [table.cpuHour, HOUR_MS],
    output: [table.outputMinute[subject] ?? table.outputMinute['*'] ?? 0n, MINUTE_MS],
    egress: [table.egressGigabyte, GIGABYTE],
    viewers: [table.viewerGigabyte, GIGABYTE],
  }[kind] as [bigint, bigint];
  return BigInt(amount) * price * (DENOMINATOR / unit);
}

function scaled(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(PRICE_DECIMALS, '0'));
}

function decimal(value: bigint, decimals: number): string {
  if (decimals === 0) return String(value);
  const digits = String(value).padStart(decimals + 1, '0');
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
