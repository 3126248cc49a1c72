/** The loudest of the last moments, as studio meters hold it. Levels of 0 to 1. */
import { fallTo } from './level.ts';

/** It stands for so long, then it falls, ms. */
const HOLD_MS = 1_500;

export class PeakHold {
  #peak = 0;
  #since = 0;
  #last = 0;

  /** The peak after this level at this time, ms of any clock that only goes on. */
  next(level: number, now: number): number {
    if (level >= this.#peak) {
      this.#peak = level;
      this.#since = now;
    } else if (now - this.#since > HOLD_MS) this.#peak = fallTo(level, this.#peak, now - this.#last);
    this.#last = now;
    return this.#peak;
  }
}
