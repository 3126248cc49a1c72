import { afterEach, describe, expect, test } from 'vitest';
import { Grid } from '../../../src/contracts/grid.ts';
import { GridWatch } from '../../../src/delivery/GridWatch.ts';
import { ProgramStore } from '../../../src/delivery/ProgramStore.ts';
import { TakeLedger } from '../../../src/delivery/TakeLedger.ts';

const grid = Grid.parse({});
const [one, other] = ['caaaaaaaa', 'cbbbbbbbb'] as const;
const PART_MS = 1000 / 3;
const ALL = [0, 1, 2, 3, 4, 5];
const watches: GridWatch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch.close();
});

function make(ids = ['v720', 'a0']) {
  let now: number | null = 0;
  const store = new ProgramStore(grid, ids);
  const takes = new TakeLedger();
  const watch = new GridWatch({ grid, renditions: ids, store, takes, programMs: () => now });
  watches.push(watch);
  const late: string[] = [];
  const lost: number[] = [];
  watch.on('late', (l) => late.push(`${l.rendition} ${l.segment}.${l.part} x${l.count}`));
  watch.on('lost', (segment) => {
    lost.push(segment);
    store.loseHead();
  });
  const put = (segment: number, parts: number[], by: string = one, renditions = ids): void => {
    for (const part of parts) for (const id of renditions) store.put(id, segment, part, Buffer.from('x'), by);
    watch.arrived(by);
  };
  const at = (ms: number | null): void => {
    now = ms;
    watch.check();
  };
  const take = (from: number, by: string, fence: number): void => {
    takes.add({ from, compositor: by, fence });
    watch.taken(from);
  };
  const setNow = (ms: number): void => {
    now = ms;
  };
  return { store, watch, late, lost, put, at, setNow, take };
}

describe('late', () => {
  test('a part is late one part after its end, and the count grows while nothing comes', () => {
    const { late, put, at, take } = make();
    take(1, one, 1);
    put(1, [0]);
    at(2000 + 3 * PART_MS - 1);
    expect(late).toEqual([]);
    at(2000 + 3 * PART_MS + 1);
    expect(late).toEqual(['v720 1.1 x1', 'a0 1.1 x1']);
    at(2000 + 5 * PART_MS + 1);
    expect(late.slice(2)).toEqual(['v720 1.2 x2', 'a0 1.2 x2', 'v720 1.3 x3', 'a0 1.3 x3']);
  });

  test('one rendition alone is named', () => {
    const { late, put, at, take } = make();
    take(0, one, 1);
    put(0, [0], one, ['v720']);
    at(2 * PART_MS + 1);
    expect(late).toEqual(['a0 0.0 x1']);
  });

  test('of a ladder each rendition is judged by itself, and a segment is lost in all of them or in none', () => {
    const { late, lost, store, put, at, take } = make(['v720', 'v480', 'v360', 'a0']);
    take(0, one, 1);
    put(0, [0], one, ['v720', 'a0']);
    put(0, [0], one, ['v360']);
    at(2 * PART_MS + 1);
    expect(late).toEqual(['v480 0.0 x1']);
    expect(store.head).toBeUndefined();
    put(0, [0], one, ['v480']);
    put(0, [1], one, ['v720', 'v480', 'v360']);
    at(3 * PART_MS + 1);
    expect(late.slice(1)).toEqual(['a0 0.1 x1']);
    expect(store.position).toBe(1);
    // Segment 0 is never whole in v480.
    put(0, ALL, one, ['v720', 'v360', 'a0']);
    put(1, ALL);
    put(2, ALL);
    expect(lost).toEqual([0]);
    expect(store.listed().map(({ number, state }) => `${number} ${state}`)).toEqual([
      '0 gap',
      '1 complete',
      '2 complete',
    ]);
  });

  test('a compositor that is slow but alive never counts to three', () => {
    const { late, put, at, take } = make();
    take(0, one, 1);
    // Each part arrives one and a half parts after its time.
    for (let part = 0; part < 12; part++) {
      at((part + 2) * PART_MS + 1);
      at((part + 2.5) * PART_MS);
      put(Math.floor(part / 6), [part % 6]);
    }
    expect(late.length).toBeGreaterThan(0);
    expect(late.every((l) => l.endsWith('x1'))).toBe(true);
  });

  test('nothing is judged before the clock is known, or before a take', () => {
    const { late, at, take } = make();
    at(60_000);
    expect(late).toEqual([]);
    at(null);
    take(0, one, 1);
    at(null);
    expect(late).toEqual([]);
  });

  test('after a take the count begins with its first segment', () => {
    const { late, put, at, take } = make();
    take(0, one, 1);
    put(0, [0]);
    at(5 * PART_MS + 1);
    expect(late.at(-1)).toBe('a0 0.3 x3');
    take(2, other, 2);
    at(4000 + PART_MS);
    expect(late.at(-1)).toBe('a0 0.3 x3');
    at(4000 + 2 * PART_MS + 1);
    expect(late.at(-1)).toBe('a0 2.0 x1');
  });
});

describe('lost', () => {
  test('the successor of a dead compositor arrives: everything before it is lost at once', () => {
    const { lost, put, at, take, store } = make();
    take(0, one, 1);
    at(600);
    put(0, [0, 1]);
    at(1500);
    take(2, other, 2);
    at(4400);
    put(2, [0], other);
    expect(lost).toEqual([0, 1]);
    expect(store.position).toBe(13);
  });

  test('a handoff: the first may finish its last segment a little after the second began', () => {
    const { lost, put, at, take } = make();
    take(0, one, 1);
    put(0, [0, 1, 2, 3, 4]);
    take(1, other, 2);
    at(1950);
    put(0, [], one);
    at(2400);
    put(1, [0], other);
    expect(lost).toEqual([]);
    put(0, [5]);
    put(1, [1], other);
    expect(lost).toEqual([]);
  });

  test('a handoff whose last part never comes', () => {
    const { lost, put, at, take } = make();
    take(0, one, 1);
    put(0, [0, 1, 2, 3, 4]);
    take(1, other, 2);
    at(1950);
    put(0, [], one);
    at(2000 + 2 * PART_MS - 1);
    put(1, [0], other);
    expect(lost).toEqual([]);
    at(2000 + 2 * PART_MS + 1);
    put(1, [1], other);
    expect(lost).toEqual([0]);
  });

  test('nobody comes: lost half a target duration after its end, so that a new segment is listed within 1.5 of them', () => {
    const { lost, put, at, take } = make();
    take(0, one, 1);
    at(PART_MS);
    put(0, [0]);
    at(2999);
    expect(lost).toEqual([]);
    at(3001);
    expect(lost).toEqual([0]);
    at(5001);
    expect(lost).toEqual([0, 1]);
  });

  test('as long as something comes, two segments are waited', () => {
    const { lost, put, at, take } = make();
    take(0, one, 1);
    at(PART_MS);
    put(0, [0]);
    at(2900);
    put(0, [1]);
    at(3500);
    expect(lost).toEqual([]);
    at(3899);
    put(0, [2]);
    at(4800);
    put(0, [3]);
    at(5700);
    put(0, [4]);
    expect(lost).toEqual([]);
    at(6001);
    expect(lost).toEqual([0]);
  });

  test('nothing is lost that has not been read yet, when this process stood still', async () => {
    const { lost, watch, setNow, put, take } = make();
    take(0, one, 1);
    setNow(PART_MS);
    put(0, [0]);
    // The timer fires once, far too late by the clock: whatever was put meanwhile is behind it in the queue.
    setNow(PART_MS + 1);
    watch.taken(0);
    setNow(5000);
    await new Promise((resolve) => watch.once('tick', resolve));
    expect(lost).toEqual([]);
    put(0, [1, 2, 3, 4, 5]);
    put(1, [0]);
    expect(lost).toEqual([]);
  });

  test('the same compositor is two segments further: what is missing will not come', () => {
    const { lost, put, at, take } = make();
    take(0, one, 1);
    put(0, [0]);
    put(1, ALL);
    at(2100);
    expect(lost).toEqual([]);
    put(2, [0]);
    expect(lost).toEqual([0]);
  });

  test('before the first visible part nothing can be lost', () => {
    const { lost, at, take } = make();
    take(0, one, 1);
    at(60_000);
    expect(lost).toEqual([]);
  });
});

test('nothing is judged after close', () => {
  const { watch, late, at, take } = make();
  take(0, one, 1);
  watch.close();
  watch.close();
  at(60_000);
  expect(late).toEqual([]);
  expect(watch.closed).toBe(true);
});

test('what is yielded to another node is neither late nor lost; what is before it is', () => {
  const { store, late, lost, put, at, take } = make();
  take(0, one, 1);
  put(0, ALL);
  put(1, [0, 1, 2]);
  store.stopAt(2);
  at(2000 + 5 * PART_MS + 1);
  expect(late).toEqual(['v720 1.3 x1', 'a0 1.3 x1']);
  at(30_000);
  expect(lost).toEqual([1]);
  expect(late.at(-1)).toBe('a0 1.5 x3');
  expect(store.position).toBe(2 * 6);
  store.stopAt(null);
  at(40_000);
  expect(lost[1]).toBe(2);
  expect(late.length).toBeGreaterThan(6);
});
