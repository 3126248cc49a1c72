import { CLIP_FRAMES, FPS } from './clip/frameCode.ts';

const FRAME_MS = 1000 / FPS;
const CLIP_MS = CLIP_FRAMES * FRAME_MS;

/**
 * When each frame and each audio packet of the clips is "captured", the same in every process on the machine.
 *
 * Timestamps. Wall clock in ms since 1970, read as `timeOrigin + now()`, so monotonic within a process. Frame *n* of phase φ is
 * captured at `n × 1000/30 + φ`, n counted from 1970, and is frame n mod 300 of the clip; so a counter read from the program
 * tells, modulo 10 s, when its picture was captured. Nothing wraps: n stays below 2^53.
 */
export class CaptureClock {
  readonly #now: () => number;

  constructor(now: () => number = () => performance.timeOrigin + performance.now()) {
    this.#now = now;
  }

  nowMs(): number {
    return this.#now();
  }

  /** Where peer `number` stands within the frame period: cameras are not in step, and key frames then do not leave all at once. */
  phaseMs(number: number): number {
    return (number * 7) % FRAME_MS;
  }

  /** Capture time of unit `n` of a stream with `perSecond` units. */
  static captureMs(n: number, perSecond: number, phaseMs: number): number {
    return (n * 1000) / perSecond + phaseMs;
  }

  /** The first unit that is captured at `timeMs` or later. */
  static unitAtOrAfter(timeMs: number, perSecond: number, phaseMs: number): number {
    return Math.ceil(((timeMs - phaseMs) * perSecond) / 1000 - 1e-6);
  }

  /** The capture time of clip frame `counter` that is nearest to `nearMs`. */
  static captureOf(counter: number, phaseMs: number, nearMs: number): number {
    const inClip = counter * FRAME_MS + phaseMs;
    return Math.round((nearMs - inClip) / CLIP_MS) * CLIP_MS + inClip;
  }
}
