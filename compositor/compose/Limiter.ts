/**
 * Keeps the mix below full scale without distorting it. In and out: blocks of both channels, in place. Gain follows the
 * peaks of steps of 64 samples, goes down before a peak (within the block) and comes back slowly; what still stands
 * out at the very start of a block is bent, not cut.
 */
const STEP_SAMPLES = 64;
/** −1 dBFS: AAC's own overshoot has to fit between this and full scale. */
const CEILING = 10 ** (-1 / 20);
/** Gain may fall by this much a step on the way to a peak: full scale to half in 1.3 ms. */
const ATTACK_PER_STEP = 0.5;
/** Time constant of coming back: 150 ms at 48 kHz. */
const RELEASE = 1 - Math.exp(-STEP_SAMPLES / (0.15 * 48_000));

export class Limiter {
  /** Gain at the end of the last block. */
  #gain = 1;

  process(left: Float32Array, right: Float32Array): void {
    const steps = Math.ceil(left.length / STEP_SAMPLES);
    const gains = this.#wanted(left, right, steps);
    if (this.#gain === 1 && gains.every((gain) => gain === 1)) return;
    // Down before the peak.
    for (let step = steps - 2; step >= 0; step--) {
      gains[step] = Math.min(gains[step] ?? 1, (gains[step + 1] ?? 1) + ATTACK_PER_STEP);
    }
    let from = this.#gain;
    for (let step = 0; step < steps; step++) {
      const to = Math.min(gains[step] ?? 1, gains[step + 1] ?? 1);
      const end = Math.min(left.length, (step + 1) * STEP_SAMPLES);
      for (let i = step * STEP_SAMPLES; i < end; i++) {
        const gain = from + ((to - from) * (i - step * STEP_SAMPLES)) / STEP_SAMPLES;
        left[i] = bend((left[i] ?? 0) * gain);
        right[i] = bend((right[i] ?? 0) * gain);
      }
      from = to;
    }
    this.#gain = from;
  }

  /** The gain that each step's own peak needs, with the slow return after it. */
  #wanted(left: Float32Array, right: Float32Array, steps: number): number[] {
    const gains: number[] = [];
    let gain = this.#gain;
    for (let step = 0; step < steps; step++) {
      let peak = 0;
      const end = Math.min(left.length, (step + 1) * STEP_SAMPLES);
      for (let i = step * STEP_SAMPLES; i < end; i++) {
        peak = Math.max(peak, Math.abs(left[i] ?? 0), Math.abs(right[i] ?? 0));
      }
      gain += (1 - gain) * RELEASE;
      if (gain > 0.9999) gain = 1;
      gain = Math.min(gain, peak > CEILING ? CEILING / peak : 1);
      gains.push(gain);
    }
    return gains;
  }
}

/** Identity up to the ceiling, then towards full scale without ever reaching it. */
function bend(sample: number): number {
  const size = Math.abs(sample);
  if (size <= CEILING) return sample;
  return Math.sign(sample) * (CEILING + (1 - CEILING) * Math.tanh((size - CEILING) / (1 - CEILING)));
}
