import { describe, expect, test } from 'vitest';
import { Grid } from '../../../src/contracts/grid.ts';
import { ProgramStore } from '../../../src/delivery/ProgramStore.ts';

const grid = Grid.parse({});
const [one, other] = ['caaaaaaaa', 'cbbbbbbbb'];
const bytes = (text: string): Buffer => Buffer.from(text);
const make = (): { store: ProgramStore; seen: string[] } => {
  const store = new ProgramStore(grid, ['v720', 'a0']);
  const seen: string[] = [];
  store.on('visible', (segment, part) => seen.push(`${segment}.${part}`));
  store.on('gap', (segment) => seen.push(`gap ${segment}`));
  return { store, seen };
};
const putBoth = (store: ProgramStore, segment: number, parts: number[], by = one): void => {
  for (const part of parts) {
    store.put('a0', segment, part, bytes(`a${segment}.${part}`), by);
    store.put('v720', segment, part, bytes(`v${segment}.${part}`), by);
  }
};
const ALL = [0, 1, 2, 3, 4, 5];
const shown = (store: ProgramStore): string[] => store.listed().map((s) => `${s.number} ${s.state} ${s.parts}`);

describe('ProgramStore', () => {
  test('a part is visible when every rendition has it, in order', () => {
    const { store, seen } = make();
    store.put('a0', 5, 0, bytes('a'), one);
    expect(seen).toEqual([]);
    expect(store.part('a0', 5, 0)).toBeUndefined();
    store.put('v720', 5, 1, bytes('v1'), one);
    store.put('a0', 5, 1, bytes('a1'), one);
    store.put('v720', 5, 0, bytes('v'), one);
    expect(seen).toEqual(['5.0', '5.1']);
    expect(store.part('v720', 5, 1)?.toString()).toBe('v1');
    expect(shown(store)).toEqual(['5 open 2']);
    expect(store.position).toBe(32);
  });

  test('a segment can be fetched when it is complete, not before', () => {
    const { store } = make();
    putBoth(store, 1, [0, 1, 2, 3, 4]);
    expect(store.segment('v720', 1)).toBeUndefined();
    putBoth(store, 1, [5]);
    expect(Buffer.concat(store.segment('v720', 1) ?? []).toString()).toBe('v1.0v1.1v1.2v1.3v1.4v1.5');
    expect(store.head).toBe(2);
  });

  test('what was put already is not taken again', () => {
    const { store, seen } = make();
    putBoth(store, 1, [0]);
    expect(store.put('v720', 1, 0, bytes('else'), one)).toBe(false);
    expect(store.part('v720', 1, 0)?.toString()).toBe('v1.0');
    expect(seen).toEqual(['1.0']);
  });

  test('parts of two compositors are never mixed in one segment', () => {
    const { store } = make();
    putBoth(store, 1, ALL);
    store.put('v720', 2, 0, bytes('old'), one);
    putBoth(store, 2, [0], other);
    expect(store.part('v720', 2, 0)?.toString()).toBe('v2.0');
    expect(() => store.put('v720', 2, 1, bytes('x'), one)).toThrow('another compositor');
  });

  test('a lost segment is a gap in all renditions, and what waits behind it becomes visible', () => {
    const { store, seen } = make();
    putBoth(store, 1, ALL);
    putBoth(store, 2, [0, 1]);
    store.put('a0', 2, 2, bytes('a'), one);
    putBoth(store, 4, [0], other);
    store.loseHead();
    store.loseHead();
    expect(seen.slice(6)).toEqual(['2.0', '2.1', 'gap 2', 'gap 3', '4.0']);
    expect(shown(store)).toEqual(['1 complete 6', '2 gap 2', '3 gap 0', '4 open 1']);
    expect(store.segment('v720', 2)).toBeUndefined();
    expect(store.part('v720', 2, 1)?.toString()).toBe('v2.1');
    expect(store.part('a0', 2, 2)).toBeUndefined();
    expect(store.put('v720', 2, 2, bytes('late'), one)).toBe(false);
  });

  test('the window slides: eight segments are listed, older ones can still be fetched for a while', () => {
    const { store } = make();
    for (let k = 100; k < 130; k++) putBoth(store, k, ALL);
    expect(store.listed().map((s) => s.number)).toEqual([122, 123, 124, 125, 126, 127, 128, 129]);
    expect(store.segment('v720', 113)).toHaveLength(6);
    expect(store.segment('v720', 112)).toBeUndefined();
  });

  test('what was never completed before the first visible segment is not listed', () => {
    const { store } = make();
    store.put('v720', 3, 0, bytes('v'), one);
    putBoth(store, 5, ALL, other);
    expect(shown(store)).toEqual(['5 complete 6']);
  });

  test('the end: the last segment stays short, nothing is taken any more', () => {
    const { store } = make();
    putBoth(store, 1, [0, 1, 2]);
    store.end();
    store.end();
    expect(shown(store)).toEqual(['1 short 3']);
    expect(store.segment('a0', 1)).toHaveLength(3);
    expect(store.put('v720', 1, 3, bytes('v'), one)).toBe(false);
    expect(store.ended).toBe(true);
  });

  test('an end at a boundary lists no empty segment', () => {
    const { store } = make();
    putBoth(store, 1, ALL);
    store.end();
    expect(shown(store)).toEqual(['1 complete 6']);
  });

  test('who waits for a position is told when it is visible', async () => {
    const { store } = make();
    putBoth(store, 1, [0]);
    const waits = [7, 8, 8].map((position) => store.whenVisible(position, 60_000));
    expect(store.waiting).toBe(3);
    putBoth(store, 1, [1]);
    await expect(waits[0]).resolves.toBe(true);
    expect(store.waiting).toBe(2);
    putBoth(store, 1, [2]);
    await expect(Promise.all(waits)).resolves.toEqual([true, true, true]);
    await expect(store.whenVisible(8, 60_000)).resolves.toBe(true);
  });

  test('a gap and the end release who waits; the limit does too', async () => {
    const { store } = make();
    putBoth(store, 1, [0]);
    const wait = store.whenVisible(9, 60_000);
    store.loseHead();
    await expect(wait).resolves.toBe(true);
    await expect(store.whenVisible(99, 1)).resolves.toBe(false);
    const last = store.whenVisible(99, 60_000);
    store.end();
    await expect(last).resolves.toBe(true);
    expect(store.waiting).toBe(0);
  });

  test('each change that a playlist shows is a new version', () => {
    const { store } = make();
    const versions = [store.version];
    store.put('a0', 1, 0, bytes('a'), one);
    expect(store.version).toBe(versions[0]);
    store.put('v720', 1, 0, bytes('v'), one);
    versions.push(store.version);
    store.loseHead();
    versions.push(store.version);
    store.end();
    versions.push(store.version);
    expect(new Set(versions).size).toBe(4);
  });
});
