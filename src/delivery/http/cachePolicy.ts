/**
 * How long whoever stands between us and a player may keep an answer: the table of docs/playback.md, in code. Pure.
 *
 * A cache counts whole seconds, and a part is shorter than one: what may be kept for "less than a part" is kept for no time at all,
 * but may be shared by all who ask at the same moment, and is revalidated by its entity tag.
 */
import type { ErrorCode } from '../../contracts/errors.ts';

/** Seconds; `immutable` is for ever; `never` is not stored at all. */
export type Freshness = number | 'immutable' | 'never';

/** What is as good as for ever to a cache, s (RFC 9111 section 1.2.2 has no bound; a year is custom). */
const YEAR_SECONDS = 31_536_000;
/** An answer to a directive is true for as long as a player can be behind: 6 target durations (RFC 8216bis appendix B.1). */
const BLOCKED_TARGET_DURATIONS = 6;
/** A closed playlist does not change any more, but it is forgotten some day. */
const ENDED_SECONDS = 60;

/** The next broadcast of the room is another text under the same URL: s. */
export const MULTIVARIANT: Freshness = 1;
/** What a page asks every few seconds, s. */
export const STATE: Freshness = 1;
/** What browsers may ask of us does not change (s). */
export const PREFLIGHT: Freshness = 86_400;

/** A media playlist under a query that names a part that it has by now. */
export const blockedPlaylist = (targetDurationSeconds: number): Freshness =>
  BLOCKED_TARGET_DURATIONS * targetDurationSeconds;

/** A media playlist without directives: less than a part. */
export const barePlaylist = (partSeconds: number, ended: boolean): Freshness =>
  ended ? ENDED_SECONDS : Math.max(0, Math.ceil(partSeconds) - 1);

/**
 * Errors. `no-broadcast` is what everybody who waits for a show gets, and `gone` does not come back; any other may be untrue in the
 * next moment.
 */
export function errorFreshness(code: ErrorCode): Freshness {
  if (code === 'no-broadcast') return 1;
  return code === 'gone' ? ENDED_SECONDS : 'never';
}

/**
 * The Cache-Control header. `lifeSeconds` is what the token that the URL holds has left: nobody gets an answer from a cache under a
 * token that we would refuse.
 */
export function cacheControl(freshness: Freshness, lifeSeconds = Number.POSITIVE_INFINITY): string {
  if (freshness === 'never') return 'no-store';
  const seconds = Math.min(freshness === 'immutable' ? YEAR_SECONDS : freshness, Math.max(0, Math.floor(lifeSeconds)));
  if (seconds === 0) return 'public, max-age=0, must-revalidate';
  return freshness === 'immutable' ? `public, max-age=${seconds}, immutable` : `public, max-age=${seconds}`;
}
