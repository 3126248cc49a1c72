/**
 * The peak of the waveform between samples (ITU-R BS.1770-4 annex 2: 4 times oversampling by a polyphase FIR of 12 taps a
 * phase). Pure. Used by compose/Limiter.ts.
 */
import { kaiser, sinc } from '../decode/fractionalRead.ts';

const TAPS = 12;
/** Samples that must be there after the one that is looked at, and before it. */
export const TRUE_PEAK_AFTER = TAPS / 2;
export const TRUE_PEAK_BEFORE = TAPS / 2 - 1;
/** Pass band flat within 0.1 dB up to 18 kHz. */
const KAISER_BETA = 5;

/** Weights for a quarter and for half of the way from a sample to the next; three quarters is the first one reversed. */
const QUARTER = weights(0.25);
const HALF = weights(0.5);

function weights(fraction: number): Float32Array {
  const row = Float32Array.from({ length: TAPS }, (_, tap) => {
    const distance = tap - TRUE_PEAK_BEFORE - fraction;
    return sinc(distance) * kaiser(distance / (TAPS / 2), KAISER_BETA);
  });
  const sum = row.reduce((a, b) => a + b, 0);
  return row.map((weight) => weight / sum);
}

/** The waveform is below this many times the largest sample around. */
export const MOST_OVERSHOOT = Math.max(
  ...[QUARTER, HALF].map((row) => row.reduce((sum, weight) => sum + Math.abs(weight), 0)),
);

/** The largest absolute value of the waveform from sample `at` to before the next. */
export function truePeakAt(samples: Float32Array, at: number): number {
  let quarter = 0;
  let half = 0;
  let threeQuarters = 0;
  const start = at - TRUE_PEAK_BEFORE;
  for (let tap = 0; tap < TAPS; tap++) {
    const sample = samples[start + tap] as number;
    quarter += sample * (QUARTER[tap] as number);
    half += sample * (HALF[tap] as number);
    threeQuarters += sample * (QUARTER[TAPS - 1 - tap] as number);
  }
  return Math.max(Math.abs(samples[at] as number), Math.abs(quarter), Math.abs(half), Math.abs(threeQuarters));
}
