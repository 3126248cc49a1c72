/** When to try again: capped exponential backoff with jitter, so that a server that comes back does not get all its publishers in one moment. */

export interface BackoffOptions {
  /** The longest wait before the first attempt after a failure, ms. */
  firstMs: number;
  /** The longest wait before the second, ms; it doubles from attempt to attempt. */
  baseMs: number;
  /** It never grows beyond this, ms. */
  capMs: number;
  /** 0 to 1, even. */
  random: () => number;
}

export const RECONNECT: BackoffOptions = { firstMs: 250, baseMs: 1000, capMs: 15_000, random: Math.random };

export class Backoff {
  readonly #options: BackoffOptions;
  #attempts = 0;

  constructor(options: BackoffOptions = RECONNECT) {
    this.#options = options;
  }

  /**
   * The wait before the next attempt, ms: between half a step and the whole of it ("equal jitter"), so that no wait is longer than its
   * step, nor two of them in a row next to nothing.
   */
  next(): number {
    const { firstMs, baseMs, capMs, random } = this.#options;
    const step = this.#attempts === 0 ? firstMs : baseMs * 2 ** Math.min(this.#attempts - 1, 30);
    this.#attempts += 1;
    return (Math.min(step, capMs) * (1 + random())) / 2;
  }

  /** The connection was good: the next failure begins anew. */
  reset(): void {
    this.#attempts = 0;
  }
}
