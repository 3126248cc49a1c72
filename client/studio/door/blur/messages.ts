/** Between the page (Blur.ts) and its worker (blurWorker.ts). */

export interface BlurBegin {
  frames: ReadableStream<VideoFrame>;
  blurred: WritableStream<VideoFrame>;
}

export type BlurSays =
  /** The first picture is out. */
  | { type: 'ready' }
  /** How long a picture took, on average over the last round, ms. */
  | { type: 'round'; averageMs: number }
  | { type: 'failed'; reason: string };
