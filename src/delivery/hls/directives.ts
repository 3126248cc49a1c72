/**
 * Delivery directives (RFC 8216bis section 6.2.5): `_HLS_msn`, `_HLS_part` and `_HLS_skip` of a media playlist's query. Other parameters
 * mean nothing here and are left out, so that all queries with one meaning are one to a cache.
 */
import { AppError } from '../../contracts/errors.ts';

export interface Directives {
  /** Answer when the playlist has this segment, or `part` of it; null: at once. */
  msn: number | null;
  part: number | null;
  /** A delta update is wanted. `v2` would leave out old date ranges too; there are none, so it is the same as `YES`. */
  skip: boolean;
}

/** A parsed query string: a parameter that came twice is an array. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A decimal-integer (section 4.2). No number that can be meant is longer, and these are exact. */
const NUMBER = /^\d{1,12}$/;

/** Throws AppError `bad-request` for what is malformed; a value of `_HLS_skip` that the draft does not name is as good as none. */
export function parseDirectives(query: Query): Directives {
  const msn = parseNumber(query, '_HLS_msn');
  const part = parseNumber(query, '_HLS_part');
  if (msn === null && part !== null) throw new AppError('bad-request', '_HLS_part needs _HLS_msn');
  const skip = single(query, '_HLS_skip');
  return { msn, part, skip: skip === 'YES' || skip === 'v2' };
}

/** The one query that stands for all with this meaning, in the order that the draft wants (section 6.3.1): `?_HLS_msn=7&_HLS_part=2`, or empty. */
export function canonicalQuery({ msn, part, skip }: Directives): string {
  const pairs: string[] = [];
  if (msn !== null) pairs.push(`_HLS_msn=${msn}`);
  if (part !== null) pairs.push(`_HLS_part=${part}`);
  if (skip) pairs.push('_HLS_skip=YES');
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function parseNumber(query: Query, name: string): number | null {
  const text = single(query, name);
  if (text === undefined) return null;
  if (!NUMBER.test(text)) throw new AppError('bad-request', `${name} is a whole number`);
  return Number(text);
}

function single(query: Query, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new AppError('bad-request', `${name} is given twice`);
}
