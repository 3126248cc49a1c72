/**
 * Keeps the program's true peak at −1 dBTP. In and out: blocks of both channels, in place; what comes out is what went in
 * LIMITER_DELAY_SAMPLES before. Used by compose/Mixer.ts, which reads its sources as much ahead.
 *
 * One gain for both channels, so that nothing moves between them. For each sample: the gain that its true peak needs; the
 * least of these over the look-ahead and a hold time, so that a low tone does not pump within its period; a slow return (150 ms); and
 * two moving averages as long as the look-ahead together. So the gain has arrived, on a smooth way, when the
 * peak comes out, and no sample is ever bent or cut. Below the ceiling samples pass bit for bit.
 */
import { SlidingMinimum } from './SlidingMinimum.ts';
import { MOST_OVERSHOOT, TRUE_PEAK_AFTER, TRUE_PEAK_BEFORE, truePeakAt } from './truePeak.ts';

/** −1 dBTP, and 0.1 dB for what four-fold oversampling does not see. AAC's own overshoot fits between this and full scale. */
const CEILING = 10 ** (-1.1 / 20);
/** Two averages of this many samples: 5.2 ms. */
const HALF_ATTACK_SAMPLES = 125;
const ATTACK_SAMPLES = 2 * HALF_ATTACK_SAMPLES;
/** 5.3 ms: the look-ahead, and what the detector needs. */
export const LIMITER_DELAY_SAMPLES = ATTACK_SAMPLES + TRUE_PEAK_AFTER;
/** Half a period of 50 Hz. */
const HOLD_SAMPLES = 480;
/** Time constant of coming back: 150 ms at 48 kHz. */
const RELEASE = 1 - Math.exp(-1 / (0.15 * 48_000));
/** A gain nearer to 1 than this is 1: −100 dB of the signal. */
const NEARLY_ONE = 1 - 1e-5;
/** True peaks are only computed in steps of so many samples in which they can be above the ceiling. */
const STEP_SAMPLES = 32;
/** Samples of the past that are kept: what is delayed, and what the detector looks back on. */
const KEPT = LIMITER_DELAY_SAMPLES + TRUE_PEAK_BEFORE;

export class Limiter {
  readonly #minimum = new SlidingMinimum(ATTACK_SAMPLES + HOLD_SAMPLES);
  readonly #averages = [new MovingAverage(HALF_ATTACK_SAMPLES), new MovingAverage(HALF_ATTACK_SAMPLES)] as const;
  /** The last KEPT samples, and the block. */
  #left = new Float32Array(KEPT);
  #right = new Float32Array(KEPT);
  #needed = new Float32Array(0);
  #gain = 1;
  /** Samples since the last one that needed a gain below 1. */
  #idle = Number.POSITIVE_INFINITY;

  /** The largest block is not bounded; blocks may differ in length. */
  process(left: Float32Array, right: Float32Array): void {
    const count = left.length;
    this.#append(left, right);
    const limiting = this.#detect(count);
    if (!limiting && this.#idle > ATTACK_SAMPLES + HOLD_SAMPLES) this.#pass(left, right);
    else this.#limit(left, right);
    this.#left.copyWithin(0, count, count + KEPT);
    this.#right.copyWithin(0, count, count + KEPT);
  }

  #append(left: Float32Array, right: Float32Array): void {
    const length = KEPT + left.length;
    if (this.#left.length < length) {
      this.#left = grown(this.#left, length);
      this.#right = grown(this.#right, length);
      this.#needed = new Float32Array(left.length);
    }
    this.#left.set(left, KEPT);
    this.#right.set(right, KEPT);
  }

  /** The gain that each sample needs, TRUE_PEAK_AFTER samples behind the input; false where all are 1. */
  #detect(count: number): boolean {
    const left = this.#left;
    const right = this.#right;
    const needed = this.#needed;
    const start = KEPT - TRUE_PEAK_AFTER;
    let limiting = false;
    for (let step = 0; step < count; step += STEP_SAMPLES) {
      const end = Math.min(count, step + STEP_SAMPLES);
      let peak = 0;
      for (let i = start + step - TRUE_PEAK_BEFORE; i < start + end + TRUE_PEAK_AFTER; i++) {
        const larger = Math.max(Math.abs(left[i] as number), Math.abs(right[i] as number));
        if (larger > peak) peak = larger;
      }
      if (peak * MOST_OVERSHOOT <= CEILING) {
        needed.fill(1, step, end);
        continue;
      }
      for (let i = step; i < end; i++) {
        const truePeak = Math.max(truePeakAt(left, start + i), truePeakAt(right, start + i));
        needed[i] = truePeak > CEILING ? CEILING / truePeak : 1;
        if (truePeak > CEILING) limiting = true;
      }
    }
    return limiting;
  }

  #pass(left: Float32Array, right: Float32Array): void {
    const from = KEPT - LIMITER_DELAY_SAMPLES;
    left.set(this.#left.subarray(from, from + left.length));
    right.set(this.#right.subarray(from, from + left.length));
  }

  #limit(left: Float32Array, right: Float32Array): void {
    // After a pause everything is at 1, and knows no more of the past than that.
    if (this.#idle > ATTACK_SAMPLES + HOLD_SAMPLES) this.#minimum.clear();
    const from = KEPT - LIMITER_DELAY_SAMPLES;
    const [first, second] = this.#averages;
    for (let i = 0; i < left.length; i++) {
      const needed = this.#needed[i] as number;
      const held = this.#minimum.push(needed);
      let gain = this.#gain + (1 - this.#gain) * RELEASE;
      if (gain > NEARLY_ONE) gain = 1;
      if (held < gain) gain = held;
      this.#gain = gain;
      this.#idle = gain < 1 ? 0 : this.#idle + 1;
      const smooth = second.push(first.push(gain));
      left[i] = (this.#left[from + i] as number) * smooth;
      right[i] = (this.#right[from + i] as number) * smooth;
    }
  }
}

/** Of gains; begins at 1. */
class MovingAverage {
  readonly #values: Float64Array;
  #sum: number;
  #at = 0;
  /** Ones in a row: with all of them 1, the sum is exact again. */
  #ones: number;

  constructor(length: number) {
    this.#values = new Float64Array(length).fill(1);
    this.#sum = length;
    this.#ones = length;
  }

  push(value: number): number {
    const values = this.#values;
    const length = values.length;
    this.#sum += value - (values[this.#at] as number);
    values[this.#at] = value;
    this.#at = this.#at + 1 === length ? 0 : this.#at + 1;
    if (value < 1) {
      this.#ones = 0;
      return this.#sum / length;
    }
    this.#ones += 1;
    if (this.#ones < length) return this.#sum / length;
    this.#sum = length;
    return 1;
  }
}

function grown(samples: Float32Array, length: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(length);
  larger.set(samples);
  return larger;
}
