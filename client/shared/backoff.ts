/** Grows from `first` by doubling up to `most`, both ms; `success` starts it anew. */
export class Backoff {
  readonly #first: number;
  readonly #most: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(first: number, most: number, random: () => number = Math.random) {
    this.#first = first;
    this.#most = most;
    this.#random = random;
  }

  /** How long to wait now, ms. Up to a fifth is taken off at random, so that many pages do not come back at once. */
  next(): number {
    const whole = Math.min(this.#most, this.#first * 2 ** Math.min(this.#failures++, 20));
    return whole * (1 - this.#random() / 5);
  }

  success(): void {
    this.#failures = 0;
  }
}
