/**
 * The ear's weighting of loudness: ITU-R BS.1770-4 annex 1, for 48 kHz. Two biquads, the head's shelf and a high-pass. One
 * channel. Used by compose/SpeechMeter.ts.
 */
/** Table 1: b0, b1, b2, a1, a2. */
const SHELF = [1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585] as const;
/** Table 2; its numerator is 1, −2, 1. */
const HIGH_PASS = [-1.99004745483398, 0.99007225036621] as const;
/** Loudness of a mean square of 1. */
const OFFSET_LU = -0.691;
/** The filters' memory below this is 0: numbers near 2^-1022 are slow. */
const DENORMAL = 1e-30;

/** Weighted mean square, summed over the channels → LUFS. */
export const loudnessOf = (power: number): number => OFFSET_LU + 10 * Math.log10(power);
/** LUFS → weighted mean square. */
export const powerOf = (lufs: number): number => 10 ** ((lufs - OFFSET_LU) / 10);

export class KWeighting {
  #s1 = 0;
  #s2 = 0;
  #h1 = 0;
  #h2 = 0;

  /** The sum of squares of the weighted samples from `start` to before `end`. */
  energy(samples: Float32Array, start: number, end: number): number {
    const [b0, b1, b2, a1, a2] = SHELF;
    const [c1, c2] = HIGH_PASS;
    let s1 = this.#s1;
    let s2 = this.#s2;
    let h1 = this.#h1;
    let h2 = this.#h2;
    let sum = 0;
    // Transposed direct form 2.
    for (let i = start; i < end; i++) {
      const x = samples[i] as number;
      const y = b0 * x + s1;
      s1 = b1 * x - a1 * y + s2;
      s2 = b2 * x - a2 * y;
      const z = y + h1;
      h1 = -2 * y - c1 * z + h2;
      h2 = y - c2 * z;
      sum += z * z;
    }
    const flush = (v: number) => (Math.abs(v) < DENORMAL ? 0 : v);
    this.#s1 = flush(s1);
    this.#s2 = flush(s2);
    this.#h1 = flush(h1);
    this.#h2 = flush(h2);
    return sum;
  }

  clear(): void {
    this.#s1 = this.#s2 = this.#h1 = this.#h2 = 0;
  }
}
