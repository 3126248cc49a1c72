import { describe, expect, test } from 'vitest';
import {
  audioFramesOfPart,
  audioFramesOfSegment,
  Grid,
  partDurationSeconds,
  partStartMs,
  partsPerSegment,
  segmentAtOrAfterMs,
  segmentSeconds,
} from '../../../src/contracts/grid.ts';

const grid = Grid.parse({});

describe('the grid', () => {
  test('defaults: S = 2 s, parts of 1/3 s, 30 fps', () => {
    expect([segmentSeconds(grid), partsPerSegment(grid), grid.fps]).toEqual([2, 6, 30]);
  });

  test.each([[{ framesPerPart: 7 }], [{ fps: 29 }], [{ framesPerSegment: 50 }]])(
    'refuses %j, which does not divide',
    (settings) => {
      expect(Grid.safeParse(settings).success).toBe(false);
    },
  );

  test('AAC frames: every one in exactly one part, 15 or 16 to a part, 93 or 94 to a segment', () => {
    let next = 0;
    for (let segment = 0; segment < 50; segment++) {
      const whole = audioFramesOfSegment(grid, segment);
      expect(whole.first).toBe(next);
      expect([93, 94]).toContain(whole.count);
      for (let part = 0; part < 6; part++) {
        const range = audioFramesOfPart(grid, segment, part);
        expect(range.first).toBe(next);
        expect([15, 16]).toContain(range.count);
        const startMs = (range.first * 1024) / 48;
        expect(startMs).toBeGreaterThanOrEqual(partStartMs(grid, segment, part) - 1e-6);
        expect(startMs).toBeLessThan(partStartMs(grid, segment, part) + 1024 / 48);
        expect(partDurationSeconds(grid, 'a0', segment, part)).toBeCloseTo((range.count * 1024) / 48_000, 12);
        next += range.count;
      }
    }
  });

  test('segmentAtOrAfterMs', () => {
    expect([-5, 0, 1, 2000, 2000.1].map((t) => segmentAtOrAfterMs(grid, t))).toEqual([0, 0, 1, 1, 2]);
  });
});
