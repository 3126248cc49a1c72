/** Sizes and durations of one rendition's segments → its peak and mean bit rate (draft section 4.1's definitions). */

/** Peak segment bit rate: of any run of segments that lasts 0.5 to 1.5 target durations (draft section 4.1). */
const LEAST = 0.5;
const MOST = 1.5;

export class Rates {
  readonly #segments = new Map<number, { bits: number; seconds: number }>();

  add(msn: number, bytes: number, seconds: number): void {
    this.#segments.set(msn, { bits: bytes * 8, seconds });
  }

  get seconds(): number {
    return [...this.#segments.values()].reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** Bits a second; 0 when there is none. */
  get average(): number {
    const bits = [...this.#segments.values()].reduce((sum, segment) => sum + segment.bits, 0);
    return bits === 0 ? 0 : bits / this.seconds;
  }

  /** Bits a second; 0 when there is none. */
  peak(target: number): number {
    const numbers = [...this.#segments.keys()].sort((a, b) => a - b);
    let peak = 0;
    for (const first of numbers) {
      let [bits, seconds] = [0, 0];
      for (let msn = first; ; msn++) {
        const segment = this.#segments.get(msn);
        if (!segment) break;
        bits += segment.bits;
        seconds += segment.seconds;
        if (seconds > MOST * target) break;
        if (seconds >= LEAST * target) peak = Math.max(peak, bits / seconds);
      }
    }
    return peak;
  }
}
