import { AppError } from '../contracts/errors.ts';
import {
  AAC_FRAME_SAMPLES,
  audioFramesOfPart,
  audioFramesOfSegment,
  type Grid,
  isGridAudio,
  segmentFirstFrame,
} from '../contracts/grid.ts';
import { summarise } from './mp4/fragment.ts';
import type { InitSegment } from './mp4/initSegment.ts';

export interface OnGrid {
  grid: Grid;
  rendition: string;
  init: InitSegment;
  bytes: Buffer;
  segment: number;
  /** null: the bytes are a whole segment. */
  part: number | null;
}

/** Throws `off-grid` unless the bytes are exactly the frames that the grid has there, `bad-media` when they are no fragment. */
export function checkOnGrid({ grid, rendition, init, bytes, segment, part }: OnGrid): void {
  const found = summarise(bytes, init);
  const audio = isGridAudio(rendition);
  const expected = audio ? audioRange(grid, segment, part) : videoRange(grid, segment, part);
  const ticksPerFrame = audio ? (AAC_FRAME_SAMPLES * init.timescale) / grid.sampleRate : init.timescale / grid.fps;
  if (found.decodeTime !== expected.first * ticksPerFrame) {
    const at = found.decodeTime / ticksPerFrame;
    throw new AppError('off-grid', `it begins at frame ${at.toFixed(2)}, the grid has ${expected.first} there`);
  }
  // A slate of silence may be one AAC frame shorter or longer than a segment that lies elsewhere on the grid.
  const tolerance = audio && part === null ? 1 : 0;
  if (Math.abs(found.samples - expected.count) > tolerance)
    throw new AppError('off-grid', `it has ${found.samples} frames, the grid has ${expected.count} there`);
  if (found.duration !== found.samples * ticksPerFrame)
    throw new AppError('off-grid', 'its frames do not fill their time');
  if (!audio && (part ?? 0) === 0 && !found.startsWithSync)
    throw new AppError('off-grid', 'a segment begins with an IDR frame');
}

const audioRange = (grid: Grid, segment: number, part: number | null): { first: number; count: number } =>
  part === null ? audioFramesOfSegment(grid, segment) : audioFramesOfPart(grid, segment, part);

function videoRange(grid: Grid, segment: number, part: number | null): { first: number; count: number } {
  const first = segmentFirstFrame(grid, segment) + (part ?? 0) * grid.framesPerPart;
  return { first, count: part === null ? grid.framesPerSegment : grid.framesPerPart };
}
