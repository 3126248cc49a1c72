/**
 * The broadcast's grid: where each frame, part and segment lies in program time. Pure arithmetic, whole numbers only.
 *
 * Timestamps. Program time 0 is frame 0 of the broadcast. Video frame *n* belongs to time `n / fps`; AAC frame *m* to
 * `m × 1024 / 48000`; segment *k* covers `[k × S, (k + 1) × S)`. An AAC frame belongs to the part and segment that
 * contain its start. There is no edit list and nothing wraps: 2^53 video ticks of 1/90000 s are 3,170 years.
 */
import { z } from 'zod';

/** AAC-LC codes 1024 samples a frame (ISO/IEC 14496-3). */
export const AAC_FRAME_SAMPLES = 1024;
/** The mp4 timescale of video tracks: RTP's and MPEG-TS' 90 kHz, which 15, 24, 25, 30, 50 and 60 fps divide. */
export const VIDEO_TIMESCALE = 90_000;

export const Grid = z
  .object({
    /** Frames a second; a divisor of 90000 and 48000 so that frames fall on whole ticks and samples. */
    fps: z.int().min(1).max(60).default(30),
    /** Length of a segment (and GOP) in frames. */
    framesPerSegment: z.int().min(1).max(600).default(60),
    /** Length of a part in frames; divides framesPerSegment. */
    framesPerPart: z.int().min(1).max(600).default(10),
    sampleRate: z.literal(48_000).default(48_000),
  })
  .refine((g) => g.framesPerSegment % g.framesPerPart === 0, 'the part must divide the segment')
  .refine((g) => g.sampleRate % g.fps === 0 && VIDEO_TIMESCALE % g.fps === 0, 'fps must divide 48000 and 90000')
  .refine((g) => g.framesPerSegment % g.fps === 0, 'a segment is a whole number of seconds');
export type Grid = z.infer<typeof Grid>;

export const partsPerSegment = (grid: Grid): number => grid.framesPerSegment / grid.framesPerPart;
/** Duration of a segment in seconds. */
export const segmentSeconds = (grid: Grid): number => grid.framesPerSegment / grid.fps;
/** Duration of a video part in seconds. */
export const partSeconds = (grid: Grid): number => grid.framesPerPart / grid.fps;
/** Program time of video frame `frame` in milliseconds. */
export const frameTimeMs = (grid: Grid, frame: number): number => (frame * 1000) / grid.fps;
/** Program time of the start of part `part` of segment `segment` in milliseconds. */
export const partStartMs = (grid: Grid, segment: number, part: number): number =>
  frameTimeMs(grid, segment * grid.framesPerSegment + part * grid.framesPerPart);
/** The first video frame of segment `segment`. */
export const segmentFirstFrame = (grid: Grid, segment: number): number => segment * grid.framesPerSegment;
/** The first segment that starts at or after program time `timeMs`. */
export const segmentAtOrAfterMs = (grid: Grid, timeMs: number): number =>
  Math.max(0, Math.ceil(timeMs / (segmentSeconds(grid) * 1000)));

/** The first AAC frame that starts at or after video frame `frame`. */
export const audioFrameAtOrAfter = (grid: Grid, frame: number): number =>
  Math.ceil((frame * (grid.sampleRate / grid.fps)) / AAC_FRAME_SAMPLES);

export interface AudioRange {
  /** Number of the first AAC frame. */
  first: number;
  /** How many AAC frames: 15 or 16 to a part of 1/3 s, 93 or 94 to a segment of 2 s. */
  count: number;
}

/** The AAC frames that start within part `part` of segment `segment`. */
export function audioFramesOfPart(grid: Grid, segment: number, part: number): AudioRange {
  const start = segment * grid.framesPerSegment + part * grid.framesPerPart;
  const first = audioFrameAtOrAfter(grid, start);
  return { first, count: audioFrameAtOrAfter(grid, start + grid.framesPerPart) - first };
}

/** The AAC frames that start within segment `segment`. */
export function audioFramesOfSegment(grid: Grid, segment: number): AudioRange {
  const start = segment * grid.framesPerSegment;
  const first = audioFrameAtOrAfter(grid, start);
  return { first, count: audioFrameAtOrAfter(grid, start + grid.framesPerSegment) - first };
}

export const isGridAudio = (rendition: string): boolean => rendition.startsWith('a');

/** Exact duration in seconds of one part of a rendition. */
export function partDurationSeconds(grid: Grid, rendition: string, segment: number, part: number): number {
  if (!isGridAudio(rendition)) return partSeconds(grid);
  return (audioFramesOfPart(grid, segment, part).count * AAC_FRAME_SAMPLES) / grid.sampleRate;
}

/** Exact duration in seconds of one segment of a rendition. */
export function segmentDurationSeconds(grid: Grid, rendition: string, segment: number): number {
  if (!isGridAudio(rendition)) return segmentSeconds(grid);
  return (audioFramesOfSegment(grid, segment).count * AAC_FRAME_SAMPLES) / grid.sampleRate;
}
