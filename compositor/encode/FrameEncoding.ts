/**
 * Encodes one frame of the program at a time, beside the composing of the next one. In: the canvas, when a frame is composed; out: parts, by
 * ProgramEncoder.ts, and when each frame was done.
 *
 * Why beside: a change of layout costs x264 a frame period and more a frame for a while, and composing what moves a third of one. One
 * after the other they fall behind the grid with every such frame; side by side, on two cores, they nearly keep up.
 *
 * The encoder is given a reference to the picture (a clone of the frame, not of its samples). A canvas that is drawn into meanwhile
 * goes on in a copy (Canvas.ts, `begin`); where the encoder is done by then, which is the usual case, nothing is copied.
 */
import type { Frame } from 'node-av';
import type { ProgramClock } from '../types.ts';
import type { ProgramEncoder } from './ProgramEncoder.ts';

export interface FrameToEncode {
  number: number;
  /** Of the frame on the grid, program time. */
  timeMs: number;
  /** It is another picture than the last time. */
  fresh: boolean;
  /** It was not composed for want of time. */
  repeated: boolean;
}

export interface EncodedFrame extends FrameToEncode {
  /** When it was encoded, program time. */
  atMs: number;
  /** What that took, ms. */
  tookMs: number;
}

export class FrameEncoding {
  readonly #encoder: ProgramEncoder;
  readonly #clock: ProgramClock;
  #running: Promise<void> = Promise.resolve();
  #encoded: EncodedFrame[] = [];

  constructor(encoder: ProgramEncoder, clock: ProgramClock) {
    this.#encoder = encoder;
    this.#clock = clock;
  }

  /** Resolves when the frame before is encoded and this one has begun. Rejects with what went wrong with the one before. */
  async begin(canvas: Frame, frame: FrameToEncode): Promise<void> {
    await this.#running;
    const picture = canvas.clone();
    if (!picture) throw new Error('no memory for a picture');
    this.#running = this.#encode(picture, frame);
    // Who begins the next one, or waits for this one, is told.
    this.#running.catch(() => undefined);
  }

  /** Resolves when no frame is being encoded; rejects with what went wrong. */
  idle(): Promise<void> {
    return this.#running;
  }

  /** The frames that were encoded since the last call. */
  take(): EncodedFrame[] {
    return this.#encoded.splice(0);
  }

  async #encode(picture: Frame, frame: FrameToEncode): Promise<void> {
    const startedAt = performance.now();
    try {
      await this.#encoder.encodeVideo(picture, frame.number, frame.fresh);
    } finally {
      picture.free();
    }
    this.#encoded.push({ ...frame, atMs: this.#clock.nowMs(), tookMs: performance.now() - startedAt });
  }
}
