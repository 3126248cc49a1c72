/** The least of the values of the last `seconds`, exact to one second. */
export class WindowedMinimum {
  readonly #buckets: number[];
  /** Second that the newest bucket stands for. */
  #second = Number.NEGATIVE_INFINITY;
  #value = Number.POSITIVE_INFINITY;

  constructor(seconds: number) {
    this.#buckets = new Array<number>(seconds).fill(Number.POSITIVE_INFINITY);
  }

  /** Infinity before the first value. It stays while no new value comes. */
  get value(): number {
    return this.#value;
  }

  add(value: number, nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const passed = Math.min(second - this.#second, this.#buckets.length);
    for (let i = 0; i < passed; i++) this.#buckets[this.#slot(second - i)] = Number.POSITIVE_INFINITY;
    if (passed > 0) this.#second = second;
    const slot = this.#slot(second);
    this.#buckets[slot] = Math.min(this.#buckets[slot] ?? value, value);
    if (passed > 0) this.#value = Math.min(...this.#buckets);
    else if (value < this.#value) this.#value = value;
  }

  reset(): void {
    this.#buckets.fill(Number.POSITIVE_INFINITY);
    this.#second = Number.NEGATIVE_INFINITY;
    this.#value = Number.POSITIVE_INFINITY;
  }

  /** Program time may be below 0 before the first frame. */
  #slot(second: number): number {
    return ((second % this.#buckets.length) + this.#buckets.length) % this.#buckets.length;
  }
}
