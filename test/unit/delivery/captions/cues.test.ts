import { describe, expect, test } from 'vitest';
import { Grid } from '../../../../src/contracts/grid.ts';
import { type Cue, committedMs, cuesBetween } from '../../../../src/delivery/captions/cues.ts';

/** Segments of 2 s: what is said of a time is settled one second after the segment before has been listed. */
const GRID = Grid.parse({});
const line = (start: number, end: number | null, text = 'x') => ({ id: `t${start}`, language: 'en', text, start, end });
const segment = (lines: ReturnType<typeof line>[], k: number): Cue[] =>
  cuesBetween(lines, { grid: GRID, from: k * 2000, to: (k + 1) * 2000 });
const times = (cues: Cue[]) => cues.map(({ start, end }) => [start, end]);

describe('a line', () => {
  test('that is short is one cue, in each segment that it touches', () => {
    const lines = [line(1500, 2600)];
    expect(times(segment(lines, 0))).toEqual([[1500, 2600]]);
    expect(times(segment(lines, 1))).toEqual([[1500, 2600]]);
    expect(segment(lines, 2)).toEqual([]);
  });

  test('that is longer than what is settled goes on as another cue, without a hole and without an overlap', () => {
    const lines = [line(400, 6400)];
    expect(times(segment(lines, 0))).toEqual([[400, 3000]]);
    expect(times(segment(lines, 1))).toEqual([
      [400, 3000],
      [3000, 5000],
    ]);
    expect(times(segment(lines, 2))).toEqual([
      [3000, 5000],
      [5000, 6400],
    ]);
    expect(times(segment(lines, 3))).toEqual([[5000, 6400]]);
  });

  test('that stays until the next is there hours later, too', () => {
    const lines = [line(400, null)];
    const [k, from] = [10_000, 20_000_000];
    expect(times(segment(lines, k))).toEqual([
      [from - 1000, from + 1000],
      [from + 1000, from + 3000],
    ]);
  });

  test('ends where the next one begins, and nothing is shown of an empty one', () => {
    const lines = [line(400, 2500, 'one'), line(2500, 3100, 'two'), line(3100, 5000, '')];
    expect(segment(lines, 1)).toEqual([
      { start: 400, end: 2500, text: 'one' },
      { start: 2500, end: 3100, text: 'two' },
    ]);
    expect(segment(lines, 2)).toEqual([]);
  });
});

test('what a segment says does not depend on what comes later: all of it is settled when it is listed', () => {
  const early = [line(400, 20_000)];
  for (let k = 0; k < 8; k++) {
    // The earliest that a line which comes now can begin: segment k has just been listed.
    const committed = committedMs(GRID, k + 1);
    const later = [line(400, committed), line(committed, committed + 2000)];
    expect(segment(later, k)).toEqual(segment(early, k));
  }
});

test('who plays at the live edge has the next cue before it begins', () => {
  // A low-latency player shows a moment 1.2 s after it is in the list, at the earliest; the segment is listed at its end.
  const lines = [line(0, 60_000)];
  for (let k = 1; k < 20; k++) {
    const listedMs = (k + 1) * 2000;
    const first = segment(lines, k).find(({ start }) => !segment(lines, k - 1).some((cue) => cue.start === start));
    expect((first?.start ?? 0) + 1200).toBeGreaterThan(listedMs - 1000);
  }
});

test('segments of one second, and long ones', () => {
  const short = Grid.parse({ framesPerSegment: 30 });
  expect(times(cuesBetween([line(0, 3000)], { grid: short, from: 1000, to: 2000 }))).toEqual([[1000, 2000]]);
  const long = Grid.parse({ framesPerSegment: 180 });
  expect(times(cuesBetween([line(0, 20_000)], { grid: long, from: 0, to: 6000 }))).toEqual([[0, 11_000]]);
});

test('of a program that is over, a line is one cue', () => {
  const lines = [line(400, 16_400), line(16_400, null)];
  const cues = cuesBetween(lines, { grid: GRID, from: 0, to: 30_000, whole: true });
  expect(times(cues)).toEqual([
    [400, 16_400],
    [16_400, 30_000],
  ]);
});
