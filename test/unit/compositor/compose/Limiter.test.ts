import { describe, expect, test } from 'vitest';
import { LIMITER_DELAY_SAMPLES, Limiter } from '../../../../compositor/compose/Limiter.ts';
import { ebur128 } from '../../../support/sound/loudness.ts';
import { residualDb } from '../../../support/sound/tone.ts';

const COUNT = 1024;
const CEILING = 10 ** (-1 / 20);

/** Both channels through one limiter, in blocks. */
function limited(left: Float32Array, right = left) {
  const limiter = new Limiter();
  const out = { left: left.slice(), right: right.slice() };
  for (let at = 0; at < left.length; at += COUNT) {
    limiter.process(out.left.subarray(at, at + COUNT), out.right.subarray(at, at + COUNT));
  }
  return out;
}

const tone = (seconds: number, hz: number, size: (n: number) => number) =>
  Float32Array.from({ length: seconds * 48_000 }, (_, n) => size(n) * Math.sin((2 * Math.PI * hz * n) / 48_000));

describe('Limiter', () => {
  test('what is below the ceiling passes bit for bit, later by the look-ahead', () => {
    const left = tone(1, 997, () => 0.8);
    expect(limited(left).left.subarray(LIMITER_DELAY_SAMPLES)).toEqual(left.subarray(0, -LIMITER_DELAY_SAMPLES));
  });

  test('a peak between two samples is seen: −1 dBTP, where every sample alone would pass', () => {
    // A quarter of the sample rate, 45 degrees off: samples at 0.707 of the wave.
    const left = Float32Array.from({ length: 48_000 }, (_, n) => 1.2 * Math.sin((Math.PI / 2) * n + Math.PI / 4));
    expect(Math.max(...left)).toBeLessThan(CEILING);
    const out = limited(left);
    expect(ebur128(out).truePeakDbtp).toBeLessThanOrEqual(-1);
    expect(ebur128(out).truePeakDbtp).toBeGreaterThan(-1.5);
  });

  test('a sudden peak is brought down before it comes, without a jump in gain', () => {
    const left = tone(1, 300, (n) => (n >= 20_000 && n < 30_000 ? 3 : 0.5));
    const { left: out } = limited(left);
    expect(Math.max(...out.map(Math.abs))).toBeLessThanOrEqual(CEILING);
    // From 1 to a third within 5 ms: 0.003 a sample in the mean.
    const gainAt = (i: number) => (out[i] ?? 0) / (left[i - LIMITER_DELAY_SAMPLES] ?? 1);
    const clear = (i: number) => Math.abs(left[i - LIMITER_DELAY_SAMPLES] ?? 0) > 0.1;
    for (let i = 1000; i < out.length; i++) {
      if (clear(i) && clear(i - 1)) expect(Math.abs(gainAt(i) - gainAt(i - 1))).toBeLessThan(0.01);
    }
  });

  test('a loud steady tone keeps its shape', () => {
    for (const hz of [100, 1000]) {
      const out = limited(tone(2, hz, () => 2)).left.subarray(48_000);
      expect(residualDb(out, hz), `${hz} Hz`).toBeLessThan(-60);
    }
  });

  test('one gain for both channels', () => {
    const { left, right } = limited(
      tone(1, 500, () => 2),
      tone(1, 500, () => 0.2),
    );
    for (let i = 24_000; i < 24_200; i++) expect(right[i]).toBeCloseTo((left[i] ?? 0) / 10, 5);
  });
});
