import { describe, expect, test } from 'vitest';
import { counterFaults, flashFrames, longestStand, peerRuns } from '../../support/program/peerRuns.ts';
import type { ShownFrame } from '../../support/program/readShow.ts';

const CELL = { x: 0, y: 0, width: 640, height: 360 };

interface Look {
  counter?: number | null;
  live?: boolean;
  atRest?: boolean;
  flash?: boolean;
}

/** Peer 2 in its cell, frame by frame from 100; null: it is not there. */
function show(looks: readonly (Look | null)[]): ShownFrame[] {
  return looks.map((look, i) => ({
    ...{ frame: 100 + i, scene: 0, room: 0 },
    tiles: look ? [{ clip: 2, cell: CELL, live: true, counter: null, flash: false, atRest: true, ...look }] : [],
  }));
}
const counters = (...values: (number | null)[]) => show(values.map((counter) => ({ counter })));
const faults = (frames: ShownFrame[]) =>
  peerRuns(frames)
    .flatMap(counterFaults)
    .map(({ frame, pictures }) => [frame, pictures]);
const stand = (frames: ShownFrame[]) => Math.max(...peerRuns(frames).map(longestStand));

describe('counters', () => {
  test('that go on by one are right, also where the clip begins anew', () => {
    const frames = counters(297, 298, 299, 0, 1, 2);
    expect(faults(frames)).toEqual([]);
    expect(stand(frames)).toBe(1);
  });

  test('a picture that is seen twice, one that is never seen, and one that goes back are found', () => {
    expect(faults(counters(7, 8, 8, 9, 11, 12, 10))).toEqual([
      [102, -1],
      [104, 1],
      [106, -3],
    ]);
    expect(stand(counters(7, 8, 8, 8, 9))).toBe(3);
  });

  test('what cannot be read must have gone on meanwhile', () => {
    expect(faults(counters(7, null, null, 10, 11))).toEqual([]);
    expect(faults(counters(7, null, null, 8, 9))).toEqual([[103, -2]]);
    expect(stand(counters(7, null, null, 8, 9))).toBe(3);
    expect(stand(counters(7, null, null, 7, 8))).toBe(4);
    expect(peerRuns(counters(7, null, null, 10))[0]?.unread).toEqual([101, 102]);
  });

  test('a tile that moves is not read', () => {
    const moving = [{ counter: 3 }, { counter: 200, atRest: false }, { counter: 5 }];
    expect(faults(show(moving))).toEqual([]);
    expect(peerRuns(show(moving))[0]?.unread).toEqual([]);
  });

  test('who was away, or whose camera was off, begins anew', () => {
    expect(faults(show([{ counter: 3 }, null, { counter: 50 }]))).toEqual([]);
    expect(faults(show([{ counter: 3 }, { live: false }, { counter: 50 }]))).toEqual([]);
    expect(peerRuns(show([{ counter: 3 }, { live: false }, { counter: null }, { counter: 50 }]))).toHaveLength(2);
  });
});

test('a flash begins where the frame before was read and was dark', () => {
  const [run] = peerRuns(
    show([
      { counter: 1, flash: true },
      { counter: 2 },
      { counter: 3, flash: true },
      { counter: 4, flash: true },
      { counter: 5 },
      { counter: null },
      { counter: 7, flash: true },
    ]),
  );
  expect(run && flashFrames(run)).toEqual([102]);
});
