/** Where a player that stands still should go on. Pure. */

export interface Range {
  start: number;
  end: number;
}

export interface StallView {
  /** Position, seconds on the media's own clock. */
  currentTime: number;
  /** What could be played, ascending: where picture and sound overlap. */
  buffered: readonly Range[];
  /** Where the player should be by the playlist's word; null when it is not known. */
  livePosition: number | null;
}

/** Playing stops this much before the end of a range, seconds: less is one frame's rounding. */
const EDGE_SECONDS = 0.1;
/** Landing exactly on a range's start can fall before its first frame, seconds. */
const INTO_RANGE_SECONDS = 0.05;
/** So far behind, the lost time is not worth showing, seconds. */
const TOO_FAR_BEHIND_SECONDS = 10;

/**
 * Over a hole to the next range, if there is one. If nothing is buffered ahead and the live edge has run away, there.
 * null: nothing to be done but to wait for data.
 */
export function rescueTarget({ currentTime, buffered, livePosition }: StallView): number | null {
  const here = buffered.find(
    (range) => currentTime >= range.start - EDGE_SECONDS && currentTime < range.end - EDGE_SECONDS,
  );
  // There is data here: the decoder needs a push more than a new place.
  if (here) return Math.max(currentTime, here.start) + INTO_RANGE_SECONDS;
  const next = buffered.find((range) => range.start > currentTime);
  if (next) return next.start + INTO_RANGE_SECONDS;
  if (livePosition !== null && livePosition - currentTime > TOO_FAR_BEHIND_SECONDS) return livePosition;
  return null;
}

/** So much is listed and not loaded, seconds: more than the few parts that are always on their way. */
const STARVED_SECONDS = 2;

/**
 * Nothing more to play, and more and more that could be loaded: `listedEnd` is the end of the playlist, as it is known;
 * `gapAhead` says that some of it is lost, which is not this case.
 */
export function isStarved(
  { currentTime, buffered }: StallView,
  { listedEnd, gapAhead }: { listedEnd: number; gapAhead: boolean },
): boolean {
  if (gapAhead || listedEnd - currentTime < STARVED_SECONDS) return false;
  return !buffered.some((range) => range.end > currentTime + EDGE_SECONDS);
}

/** Nearer than this to where it should be, playing a little faster is enough, seconds: hls.js does it within a segment. */
const NEAR_SECONDS = 1.5;

/** After a stall: the place to go on at so as to be live again, `near` when it is, null while that is not loaded yet. */
export function catchUpTarget({ currentTime, buffered, livePosition }: StallView): number | 'near' | null {
  if (livePosition === null) return null;
  if (livePosition - currentTime < NEAR_SECONDS) return 'near';
  const there = buffered.some((range) => livePosition >= range.start && livePosition < range.end - EDGE_SECONDS);
  return there ? livePosition : null;
}

/** `TimeRanges` of the DOM as an array. */
export function rangesOf(ranges: TimeRanges): Range[] {
  return Array.from({ length: ranges.length }, (_, i) => ({ start: ranges.start(i), end: ranges.end(i) }));
}
