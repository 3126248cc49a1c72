/** The bar's numbers. Pure. */
import { formatDuration } from '../../shared/format.ts';
import type { Timeline } from '../player/Engine.ts';

/** A shorter piece is not worth a bar, seconds. */
const WORTH_SECONDS = 10;

export interface Bar {
  /** Seconds on the media's clock; `max` is the place of who is live. */
  min: number;
  max: number;
  value: number;
}

/** `target`: how far from the end a live player stays, seconds. null: there is nothing to go back to. */
export function barOf(
  { start, end }: Timeline,
  position: number,
  { live, target, away }: { live: boolean; target: number; away: boolean },
): Bar | null {
  const max = live ? end - target : end;
  if (max - start < WORTH_SECONDS) return null;
  return { min: start, max, value: live && !away ? max : Math.min(max, Math.max(start, position)) };
}

/** `−1:23` before now, or `2:03` of a recording. */
export function timeLabel({ min, max }: Bar, seconds: number, live: boolean): string {
  return live ? `−${formatDuration(Math.max(0, max - seconds) * 1000)}` : formatDuration((seconds - min) * 1000);
}

/** Seconds of the program at a time of the media: what thumbnail cues are in. */
export function programSeconds({ start, zeroMs }: Timeline, seconds: number, startedAt: number | null): number {
  // A recording's cues count from its own beginning.
  if (startedAt === null || zeroMs === null) return seconds - start;
  return (zeroMs + seconds * 1000 - startedAt) / 1000;
}
