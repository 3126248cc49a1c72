import type { Clock } from '../src/common/clock.ts';
import type { ProgramClock } from './types.ts';

/** The program's clock, and how to wait for it. Tests have one that needs no waiting. */
export interface Pacer extends ProgramClock {
  /** Resolves at program time `timeMs`, at once when that is past, or when `signal` aborts. */
  until(timeMs: number, signal: AbortSignal): Promise<void>;
}

/** Longest sleep, ms: after it the clock is asked again, so that a correction of it is followed. */
const MAX_SLEEP_MS = 500;
/** A timer fires up to 1 ms late, and a busy loop some more. Later than this, the process stood still, ms. */
const LATE_MS = 15;

/**
 * Timestamps: program time is the controller's monotonic clock, as `ClockFollower` has it, minus the broadcast's `startMs`,
 * which the first job brings; before that, program time means nothing.
 */
export class ProgramPacer implements Pacer {
  readonly #clock: Clock;
  readonly #catchUp: () => Promise<void>;
  #startMs = 0;

  /**
   * `catchUp`: takes in what came while the process stood still. A frame whose time is past would else be made of what was there before,
   * while the packets that belong to it wait in the kernel.
   */
  constructor(clock: Clock, catchUp: () => Promise<void> = async () => {}) {
    this.#clock = clock;
    this.#catchUp = catchUp;
  }

  /** The controller's clock at frame 0. */
  setStart(startMs: number): void {
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#clock.now() - this.#startMs;
  }

  async until(timeMs: number, signal: AbortSignal): Promise<void> {
    for (let missing = timeMs - this.nowMs(); missing > 0 && !signal.aborted; missing = timeMs - this.nowMs()) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, Math.min(MAX_SLEEP_MS, Math.ceil(missing)));
        signal.addEventListener('abort', done);
      });
    }
    if (this.nowMs() - timeMs > LATE_MS && !signal.aborted) await this.#catchUp();
  }
}
