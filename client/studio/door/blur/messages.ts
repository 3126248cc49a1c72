/** Between the page (Blur.ts) and its worker (blurWorker.ts). */

export interface BlurBegin {
  frames: ReadableStream<VideoFrame>;
  blurred: WritableStream<VideoFrame>;
}

export type BlurSays =
  /** The first picture is out. */
  | { type: 'ready' }
  /** How many pictures there were in the last round, and how long each took on average, ms. */
  | { type: 'round'; averageMs: number; pictures: number }
  | { type: 'failed'; reason: string };
