import { expect, test } from 'vitest';
import { gridFor } from '../../../src/broadcast/jobs.ts';
import { LostFrames } from '../../../src/broadcast/LostFrames.ts';

/** Six parts of ten frames to a segment. */
const grid = gridFor(30);

test('parts that follow each other: nothing is lost', () => {
  const frames = new LostFrames();
  // Where it begins says nothing of what was before.
  expect([frames.part(grid, 7, 3), frames.part(grid, 7, 4), frames.part(grid, 7, 5), frames.part(grid, 8, 0)]).toEqual([
    0, 0, 0, 0,
  ]);
});

test('the rest of a segment and a whole one', () => {
  const frames = new LostFrames();
  frames.part(grid, 7, 3);
  expect(frames.part(grid, 9, 0)).toBe(20 + 60);
  expect(frames.part(grid, 9, 1)).toBe(0);
});

test('what was reported while nobody listened is not known', () => {
  const frames = new LostFrames();
  frames.part(grid, 7, 3);
  frames.forget();
  expect(frames.part(grid, 9, 0)).toBe(0);
});
