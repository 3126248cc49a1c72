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

  test('a beep that goes on behind what is looked at is none, and no fault', () => {
    for (const ms of [10, 30, 40, 55, 59]) {
      const { beeps, faults } = beepFaults(sound(), CLIP, 100, 100 + BEEP_AT + ms / 1000);
      expect(faults, `${ms} ms of it`).toEqual([]);
      expect(beeps.length, `${ms} ms of it`).toBe(1);
    }
  });

  describe('another beep, much louder, begins in the middle of one', () => {
    const other = drawSound(CLIP + 1);
    /** So much earlier than in its clip, samples: the other beep begins 28 ms into this one. */
    const earlier = at(0.1 - 0.028);
    const under = (change: (samples: Float32Array) => Float32Array) => (samples: Float32Array) =>
      change(samples).map((value, i) => value * 0.3 + (other[i + earlier] ?? 0));
    const edges = [0, 1, 2, 3, 4].flatMap((i) => [i * 2, i * 2 + 0.06].map((s) => 100 + BEEP_AT - 2 + 0.028 + s));
    const found = (change: (samples: Float32Array) => Float32Array) =>
      beepFaults(sound(under(change)), CLIP, 100, 110, edges);

    test('is no fault', () => {
      const { beeps, faults } = found((s) => s);
      expect(faults).toEqual([]);
      expect(beeps.map(({ lengthMs }) => Math.round(lengthMs / 10))).toEqual([6, 6, 6, 6, 6]);
    });

    test('hides no jump, and no silence', () => {
      expect(found(leaveOut(0.4)).faults.map(({ kind }) => kind)).toEqual(['jump']);
      expect(found(silence(40, 9)).faults.map(({ kind }) => kind)).toEqual(['silence']);
    });
  });

  test('a beep that is cut by the beginning is not judged', () => {
    const { beeps, faults } = beepFaults(sound(), CLIP, 100 + BEEP_AT - 2 + 0.02, 110);
    expect(faults).toEqual([]);
    expect(beeps).toHaveLength(4);
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
