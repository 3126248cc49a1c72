import { type Clock, monotonicClock } from '../common/clock.ts';

/**
 * Runs something at most every `everyMs`, as soon as that allows after it was asked for: what comes alone goes at once, what comes
 * close behind is taken along together.
 */
export class Pace {
  readonly #everyMs: number;
  readonly #run: () => void;
  readonly #clock: Clock;
  #ranAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor({ everyMs, run, clock = monotonicClock }: { everyMs: number; run: () => void; clock?: Clock }) {
    this.#everyMs = everyMs;
    this.#run = run;
    this.#clock = clock;
  }

  ask(): void {
    if (this.#timer) return;
    const wait = this.#ranAt + this.#everyMs - this.#clock.now();
    if (wait <= 0) this.#go();
    else this.#timer = setTimeout(() => this.#go(), wait).unref();
  }

  /** Runs now what was asked for and waits. Idempotent; it may be asked again afterwards. */
  flush(): void {
    if (this.#timer) this.#go();
  }

  #go(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ranAt = this.#clock.now();
    this.#run();
  }
}
