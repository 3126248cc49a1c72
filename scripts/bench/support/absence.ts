/** From what was read of a program: how long a peer's picture stood still or was away around a moment. Pure. */
import type { Sighting } from '../../../test/support/program/timeline.ts';

export interface Absence {
  /** Program time of the peer's last new picture before, seconds. */
  from: number;
  /** Of the first one after; null when none came any more. */
  to: number | null;
}

/**
 * The longest time without a new picture of the peer that ends after `from` and begins before `until`, program time in seconds;
 * null when it was never seen. The recording ends at `end`.
 */
export function longestAbsence(
  sightings: readonly Sighting[],
  { from, until, end }: { from: number; until: number; end: number },
): Absence | null {
  const fresh = sightings.filter(({ counter }, i) => counter !== sightings[i - 1]?.counter).map(({ at }) => at);
  let longest: Absence | null = null;
  let length = 0;
  for (const [i, begin] of fresh.entries()) {
    const next = fresh[i + 1] ?? null;
    const over = next ?? end;
    if (over < from || begin > until || over - begin <= length) continue;
    length = over - begin;
    longest = { from: begin, to: next };
  }
  return longest;
}
