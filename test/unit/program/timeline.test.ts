import { describe, expect, test } from 'vitest';
import { avOffsets, breaks, cadence, counterRun, flashes } from '../../support/program/timeline.ts';

const grid = (count: number, start = 0) => Array.from({ length: count }, (_, n) => start + n / 30);

describe('cadence', () => {
  test('an exact grid is whole, wherever it begins', () => {
    expect(cadence(grid(300, 1234.5), 30)).toMatchObject({ missing: 0, doubled: 0, offGrid: 0 });
    expect(cadence([], 30)).toMatchObject({ missing: 0, doubled: 0 });
  });

  test('counts what is missing, doubled and off', () => {
    const times = grid(10);
    times.splice(4, 2);
    expect(cadence(times, 30)).toMatchObject({ missing: 2, doubled: 0 });
    expect(cadence([...grid(10), 3 / 30], 30)).toMatchObject({ missing: 0, doubled: 1 });
    const off = cadence([0, 1 / 30 + 0.004, 2 / 30], 30);
    expect(off.offGrid).toBe(1);
    expect(off.worstMs).toBeCloseTo(4, 3);
  });

  test('whole milliseconds pass with a tolerance of 1 ms', () => {
    const rounded = grid(300).map((t) => Math.round(t * 1000) / 1000);
    expect(cadence(rounded, 30, 0.001)).toMatchObject({ missing: 0, doubled: 0, offGrid: 0 });
  });
});

test('breaks: a hole and an overlap in the sound', () => {
  const frame = 1024 / 48_000;
  const packets = Array.from({ length: 10 }, (_, m) => ({ at: m * frame, duration: frame }));
  expect(breaks(packets)).toEqual([]);
  const holed = packets.toSpliced(5, 1);
  expect(breaks(holed)).toHaveLength(1);
  expect(breaks(holed)[0]!.gap).toBeCloseTo(frame, 6);
  expect(breaks(packets.toSpliced(5, 0, packets[4]!))[0]!.gap).toBeCloseTo(-frame, 6);
});

describe('counters', () => {
  const sightings = (counters: number[]) => counters.map((counter, n) => ({ at: n / 30, counter, flash: false }));

  test('repeats, skips, steps back, and the turn of the clip', () => {
    expect(counterRun(sightings([297, 298, 299, 0, 1]))).toEqual({ frames: 5, repeats: 0, skips: 0, backwards: 0 });
    expect(counterRun(sightings([10, 10, 12, 15]))).toEqual({ frames: 4, repeats: 1, skips: 3, backwards: 0 });
    expect(counterRun(sightings([10, 9, 10]))).toMatchObject({ backwards: 1 });
    expect(counterRun([])).toEqual({ frames: 0, repeats: 0, skips: 0, backwards: 0 });
  });

  test('a flash is its first white frame, and needs a black one before', () => {
    const white = [true, false, true, true, false, true];
    expect(flashes(white.map((flash, n) => ({ at: n, counter: n, flash })))).toEqual([2, 5]);
  });
});

test('avOffsets: each flash with its nearest beep; one whose beep is not there is left out', () => {
  const beep = (at: number) => ({ at, lengthMs: 60, amplitude: 0.15 });
  const offsets = avOffsets([1, 3, 5], [beep(1.02), beep(2.97)]);
  expect(offsets.map((o) => Math.round(o.offsetMs))).toEqual([20, -30]);
  expect(avOffsets([1], [])).toEqual([]);
});
