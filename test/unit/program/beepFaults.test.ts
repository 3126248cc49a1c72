import { describe, expect, test } from 'vitest';
import { drawSound } from '../../../scripts/simulator/clip/drawSound.ts';
import { beepFaults } from '../../support/program/beepFaults.ts';

const RATE = 48_000;
const CLIP = 3;
/** The first beep that is looked at, seconds: the clip's second. */
const BEEP_AT = 2 + (4 + 3 * CLIP) / 30 - 312 / RATE;

function sound(change: (samples: Float32Array) => Float32Array = (s) => s) {
  return { samples: change(drawSound(CLIP)), sampleRate: RATE, start: 100 };
}
const faultsOf = (change?: (samples: Float32Array) => Float32Array) =>
  beepFaults(sound(change), CLIP, 100, 110).faults.map(({ at, kind }) => [kind, Math.round((at - 100) * 10) / 10]);
const at = (seconds: number) => Math.round(seconds * RATE);

/** Leaves out `ms` in the middle of the second beep. */
const leaveOut = (ms: number) => (samples: Float32Array) => {
  const from = at(BEEP_AT + 0.03);
  return Float32Array.from([...samples.subarray(0, from), ...samples.subarray(from + at(ms / 1000))]);
};
const silence = (fromMs: number, ms: number) => (samples: Float32Array) =>
  samples.fill(0, at(BEEP_AT + fromMs / 1000), at(BEEP_AT + (fromMs + ms) / 1000));

describe('beepFaults', () => {
  test('nothing is wrong with the clip itself', () => {
    const { beeps, faults } = beepFaults(sound(), CLIP, 100, 110);
    expect(faults).toEqual([]);
    expect(beeps.length).toBe(5);
  });

  test('finds a jump of the phase, whichever way', () => {
    expect(faultsOf(leaveOut(0.4))).toEqual([['jump', 2.5]]);
    expect(faultsOf(leaveOut(2.1))).toEqual([['jump', 2.5]]);
  });

  test('finds a silence of more than 5 ms, and lets a shorter dent be', () => {
    expect(faultsOf(silence(20, 9))).toEqual([['silence', 2.4]]);
    expect(faultsOf(silence(20, 2))).toEqual([]);
  });

  test('finds a beep that is not there', () => {
    expect(faultsOf(silence(-20, 120))).toEqual([['absent', 2.4]]);
    expect(faultsOf((samples) => samples.fill(0))).toEqual([['absent', 0]]);
  });

  test('a loudness that changes slowly, other peers, and a clock that is steered by half a percent are no faults', () => {
    const others = drawSound(CLIP + 1);
    expect(
      faultsOf((samples) => samples.map((value, i) => value * (0.3 + i / samples.length) + (others[i] ?? 0))),
    ).toEqual([]);
    const steered = (samples: Float32Array) =>
      samples.map((_, i) => {
        const position = i * 1.005;
        const index = Math.floor(position);
        const [a, b] = [samples[index] ?? 0, samples[index + 1] ?? 0];
        return a + (b - a) * (position - index);
      });
    expect(beepFaults(sound(steered), CLIP, 100, 109.9).faults).toEqual([]);
  });
});
