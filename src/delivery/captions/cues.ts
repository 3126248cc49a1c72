/**
 * Cues of caption lines: what of them is in a segment, and from when a time is settled. Pure functions.
 *
 * A line's end is not known before the next one comes, and a segment that is out never changes. So a line is one cue after the other, each settled when
 * it is first listed, and long enough that who plays at the live edge has the next before it begins: low-latency players are about 1.5 s behind, and a
 * segment is listed when it is whole. Each cue is in each segment that it touches, with its whole time (RFC 8216bis section 3.1.4).
 */
import type { CaptionLine } from '../../contracts/captions.ts';
import { type Grid, segmentSeconds } from '../../contracts/grid.ts';

/** As near as players come to the live edge: PART-HOLD-BACK, and what encoding and delivery take, and some for loading, ms. */
const NEAREST_MS = 1_000;

export interface Cue {
  /** Program time, ms; whole numbers, as WebVTT has them. */
  start: number;
  end: number;
  text: string;
}

const lengthMs = (grid: Grid): number => segmentSeconds(grid) * 1000;

/** What has been said of the time before this can not be changed any more, program time in ms. `head`: the segment that is being filled. */
export function committedMs(grid: Grid, head: number | undefined): number {
  return head === undefined ? 0 : head * lengthMs(grid) + Math.max(0, lengthMs(grid) - NEAREST_MS);
}

/** The cues that are shown in `[from, to)`, program time in ms. `whole`: of a program that is over, each line is one. */
export function cuesBetween(
  lines: readonly CaptionLine[],
  { grid, from, to, whole = false }: { grid: Grid; from: number; to: number; whole?: boolean },
): Cue[] {
  const cues: Cue[] = [];
  for (const { text, start, end } of linesBetween(lines, from, to)) {
    const until = Math.round(end ?? (whole ? to : Number.POSITIVE_INFINITY));
    let at = Math.round(start);
    // A line that stays for hours need not be counted from its beginning.
    const skip = whole ? at : nextCut(grid, from - 2 * lengthMs(grid));
    if (skip > at && skip > nextCut(grid, at)) at = skip;
    while (at < until && at < to) {
      const stop = whole ? until : Math.min(until, nextCut(grid, at));
      if (stop > from && text !== '') cues.push({ start: at, end: stop, text });
      at = stop;
    }
  }
  return cues;
}

/** Where a cue that begins then ends at the latest: what is settled when the segment is listed in which it begins. */
const nextCut = (grid: Grid, ms: number): number => committedMs(grid, Math.floor(ms / lengthMs(grid)) + 1);

/** They are in the order of their time, and do not overlap. */
function linesBetween(lines: readonly CaptionLine[], from: number, to: number): readonly CaptionLine[] {
  const first = lines.findLastIndex(({ start }) => start <= from);
  const found = lines.slice(Math.max(0, first));
  const after = found.findIndex(({ start }) => start >= to);
  return after === -1 ? found : found.slice(0, after);
}
