/** The least of the last `length` values, in constant time a value. Used by compose/Limiter.ts. */
export class SlidingMinimum {
  readonly #length: number;
  readonly #mask: number;
  /** Candidates, rising from the oldest: each is the least of all that came after it. */
  readonly #values: Float64Array;
  readonly #times: Float64Array;
  #first = 0;
  #end = 0;
  #time = 0;

  constructor(length: number) {
    this.#length = length;
    const capacity = 2 ** Math.ceil(Math.log2(length + 1));
    this.#mask = capacity - 1;
    this.#values = new Float64Array(capacity);
    this.#times = new Float64Array(capacity);
  }

  push(value: number): number {
    const mask = this.#mask;
    while (this.#end > this.#first && (this.#values[(this.#end - 1) & mask] as number) >= value) this.#end--;
    this.#values[this.#end & mask] = value;
    this.#times[this.#end & mask] = this.#time;
    this.#end++;
    if ((this.#times[this.#first & mask] as number) <= this.#time - this.#length) this.#first++;
    this.#time++;
    return this.#values[this.#first & mask] as number;
  }

  clear(): void {
    this.#first = this.#end = this.#time = 0;
  }
}
