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

/** `TimeRanges` of the DOM as an array. */
export function rangesOf(ranges: TimeRanges): Range[] {
  return Array.from({ length: ranges.length }, (_, i) => ({ start: ranges.start(i), end: ranges.end(i) }));
}
