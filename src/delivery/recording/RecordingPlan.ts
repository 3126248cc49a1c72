/** Which segments a recording has. Pure. */
import {
  type Grid,
  isGridAudio,
  partDurationSeconds,
  segmentDurationSeconds,
  segmentFirstFrame,
} from '../../contracts/grid.ts';
import type { RenditionId } from '../../contracts/ids.ts';

export interface RecordingPlan {
  /** Segment numbers, both ends included. */
  first: number;
  last: number;
  /** Parts of the last one; less than a whole segment where the broadcast ended within it. */
  lastParts: number;
  /** Lost ones that show the slate. */
  slate: number;
  /** Lost ones that could not be filled: gaps of the playlists. */
  missing: ReadonlySet<number>;
}

/** Seconds of segment `number` of the rendition in the recording. */
export function recordedSeconds(grid: Grid, plan: RecordingPlan, rendition: RenditionId, number: number): number {
  if (number !== plan.last) return segmentDurationSeconds(grid, rendition, number);
  let sum = 0;
  for (let part = 0; part < plan.lastParts; part++) sum += partDurationSeconds(grid, rendition, number, part);
  return sum;
}

/** Of the picture: whole frames, so it is exact. */
export function durationSeconds(grid: Grid, { first, last, lastParts }: RecordingPlan): number {
  const frames = segmentFirstFrame(grid, last) - segmentFirstFrame(grid, first) + lastParts * grid.framesPerPart;
  return frames / grid.fps;
}

/** Program time at which the recording begins. */
export const startSeconds = (grid: Grid, { first }: RecordingPlan): number => segmentFirstFrame(grid, first) / grid.fps;

export const segmentsOf = ({ first, last }: RecordingPlan): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

export const mediaType = (rendition: RenditionId): 'video/mp4' | 'audio/mp4' =>
  isGridAudio(rendition) ? 'audio/mp4' : 'video/mp4';
