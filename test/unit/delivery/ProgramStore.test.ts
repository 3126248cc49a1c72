import { describe, expect, test } from 'vitest';
import { Grid } from '../../../src/contracts/grid.ts';
import { ProgramStore } from '../../../src/delivery/ProgramStore.ts';
import type { SegmentArchive } from '../../../src/delivery/SegmentArchive.ts';

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

  test('the window slides: 30 s are listed, older ones can still be fetched for a while', () => {
    const { store } = make();
    for (let k = 100; k < 130; k++) putBoth(store, k, ALL);
    expect(store.listed().map((s) => s.number)).toEqual(Array.from({ length: 15 }, (_, i) => 115 + i));
    expect(store.listedFrom).toBe(115);
    expect(store.retainedFrom).toBe(112);
    expect(store.segment('v720', 112)).toHaveLength(6);
    expect(store.segment('v720', 111)).toBeUndefined();
  });

  test('the list is one array as long as the version is one', () => {
    const { store } = make();
    putBoth(store, 1, [0]);
    const list = store.listed();
    store.put('a0', 1, 1, bytes('a'), one);
    expect(store.listed()).toBe(list);
    store.put('v720', 1, 1, bytes('v'), one);
    expect(store.listed()).not.toBe(list);
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

describe('time shift', () => {
  /** An archive that has everything but segment 7, and is asked for bytes by name. */
  const archive: SegmentArchive = {
    holds: (number) => number !== 7,
    segment: async (rendition, number) => bytes(`file ${rendition} ${number}`),
    part: async (rendition, number, part) => (part === 0 ? bytes(`file ${rendition} ${number}.${part}`) : null),
  };
  const text = async (read: Promise<Buffer | null>): Promise<string | undefined> => (await read)?.toString();

  test('with an archive the list reaches back as far as the broadcast wants; memory holds what it always does', async () => {
    const store = new ProgramStore(grid, ['v720', 'a0'], { dvrSeconds: 120 });
    store.setArchive(archive);
    for (let k = 0; k < 100; k++) putBoth(store, k, ALL);
    expect(store.listed().map((s) => s.number)).toEqual(Array.from({ length: 60 }, (_, i) => 40 + i));
    expect(store.segment('v720', 82)).toHaveLength(6);
    expect(store.segment('v720', 81)).toBeUndefined();
    expect(store.part('v720', 81, 0)).toBeUndefined();
    expect(await text(store.readSegment('v720', 99))).toBe('v99.0v99.1v99.2v99.3v99.4v99.5');
    expect(await text(store.readSegment('v720', 81))).toBe('file v720 81');
    expect(await text(store.readPart('a0', 81, 0))).toBe('file a0 81.0');
    expect(await text(store.readPart('a0', 81, 1))).toBeUndefined();
    // No longer listed: there for a few segments more, then not.
    expect(await text(store.readSegment('v720', 37))).toBe('file v720 37');
    expect(await text(store.readSegment('v720', 36))).toBeUndefined();
    expect(await text(store.readSegment('v720', 100))).toBeUndefined();
  });

  test('what the archive does not hold when memory lets go of it becomes a gap', async () => {
    const store = new ProgramStore(grid, ['v720', 'a0'], { dvrSeconds: 120 });
    store.setArchive(archive);
    for (let k = 0; k < 8 + 17; k++) putBoth(store, k, ALL);
    expect(store.listed()[7]?.state).toBe('complete');
    putBoth(store, 25, ALL);
    expect(store.listed()[7]).toMatchObject({ number: 7, state: 'gap' });
    expect(store.listed()[6]?.state).toBe('complete');
    expect(await store.readSegment('v720', 7)).toBeNull();
  });

  test('without an archive the list is what memory holds, whatever was wanted', () => {
    const store = new ProgramStore(grid, ['v720', 'a0'], { dvrSeconds: 7200 });
    for (let k = 0; k < 100; k++) putBoth(store, k, ALL);
    expect(store.listed()).toHaveLength(15);
  });

  test('a segment is joined once, and its parts are views on it from then on', async () => {
    const { store } = make();
    putBoth(store, 1, ALL);
    const whole = await store.readSegment('v720', 1);
    expect(await store.readSegment('v720', 1)).toBe(whole);
    expect(store.part('v720', 1, 5)?.toString()).toBe('v1.5');
    expect(store.part('v720', 1, 5)?.buffer).toBe(whole?.buffer);
    expect(await store.readSegment('a0', 1)).not.toBe(whole);
  });
});

describe('after a crash', () => {
  const archive: SegmentArchive = {
    holds: (number) => number !== 7,
    segment: async (rendition, number) => bytes(`file ${rendition} ${number}`),
    part: async () => null,
  };

  test('what was in memory is a gap, from the first segment that ever was; numbers go on', () => {
    const { store, seen } = make();
    store.resume(3, 5 * 6 + 2);
    expect(shown(store)).toEqual(['3 gap 0', '4 gap 0', '5 gap 0']);
    expect(store.position).toBe(36);
    putBoth(store, 5, ALL);
    putBoth(store, 6, [0]);
    expect(seen).toEqual(['6.0']);
    expect(shown(store).at(-1)).toBe('6 open 1');
  });

  test('no more is listed than was', () => {
    const { store } = make();
    store.resume(0, 100 * 6);
    expect(store.listed().map((s) => s.number)).toEqual(Array.from({ length: 15 }, (_, i) => 85 + i));
    expect(store.position).toBe(600);
  });

  test('what is in the archive is listed and can be had', async () => {
    const store = new ProgramStore(grid, ['v720', 'a0'], { dvrSeconds: 60 });
    store.setArchive(archive);
    store.resume(5, 9 * 6 + 1);
    expect(shown(store)).toEqual(['5 complete 6', '6 complete 6', '7 gap 0', '8 complete 6', '9 complete 6']);
    expect((await store.readSegment('v720', 8))?.toString()).toBe('file v720 8');
    expect(await store.readSegment('v720', 7)).toBeNull();
  });

  test('the segment that was being filled goes on when all of its parts are there, by its own compositor only', () => {
    const { store, seen } = make();
    const parts = new Map(['v720', 'a0'].map((id) => [id, [bytes(`${id}0`), bytes(`${id}1`)]]));
    store.resume(8, 9 * 6 + 2, { filling: { compositor: one, parts } });
    expect(shown(store)).toEqual(['8 gap 0', '9 open 2']);
    expect(store.position).toBe(9 * 6 + 2);
    expect(store.part('a0', 9, 1)?.toString()).toBe('a01');
    expect(() => putBoth(store, 9, [2], other)).toThrow('began this segment');
    putBoth(store, 9, [1, 2, 3, 4, 5]);
    expect(seen).toEqual(['9.2', '9.3', '9.4', '9.5']);
    expect(store.segment('a0', 9)?.map(String)).toEqual(['a00', 'a01', 'a9.2', 'a9.3', 'a9.4', 'a9.5']);
  });
});

describe('a move to another node', () => {
  const segment = (number: number) =>
    new Map(['v720', 'a0'].map((id) => [id, ALL.map((part) => bytes(`${id} ${number}.${part}`))]));

  test('what is put before it is known what was before waits; then all goes on, with what was brought along', async () => {
    const { store, seen } = make();
    store.wait();
    putBoth(store, 9, [0, 1]);
    expect([seen, store.head]).toEqual([[], undefined]);
    store.resume(6, 9 * 6, { held: new Map([6, 8].map((number) => [number, segment(number)])) });
    expect(seen).toEqual(['9.0', '9.1']);
    expect(shown(store)).toEqual(['6 complete 6', '7 gap 0', '8 complete 6', '9 open 2']);
    expect((await store.readPart('a0', 8, 5))?.toString()).toBe('a0 8.5');
    expect((await store.readSegment('v720', 6))?.toString()).toBe(segment(6).get('v720')?.join(''));
  });

  test('a broadcast of which nothing was visible begins with what is put', () => {
    const { store, seen } = make();
    store.wait();
    putBoth(store, 0, [0]);
    store.resume(0, 0);
    expect(seen).toEqual(['0.0']);
  });

  test('what is yielded is not taken, and taken again when it is given back', () => {
    const { store, seen } = make();
    putBoth(store, 1, [0]);
    store.stopAt(2);
    putBoth(store, 1, ALL);
    expect(store.put('a0', 2, 0, bytes('a'), one)).toBe(false);
    expect(store.position).toBe(store.stopBefore * 6);
    store.stopAt(null);
    putBoth(store, 2, [0]);
    expect(seen.at(-1)).toBe('2.0');
  });

  test('when it is closed nobody waits any more, and it has not ended', async () => {
    const { store } = make();
    putBoth(store, 1, [0]);
    const reached = store.whenVisible(1 * 6 + 1, 60_000);
    store.close();
    expect(await reached).toBe(false);
    expect(await store.whenVisible(1 * 6 + 1, 60_000)).toBe(false);
    expect([store.closed, store.ended, store.put('a0', 1, 1, bytes('a'), one)]).toEqual([true, false, false]);
  });
});

describe('slate', () => {
  const slate = (store: ProgramStore, text: string): void =>
    store.putSlate(
      new Map([
        ['v720', bytes(`sv${text}`)],
        ['a0', bytes(`sa${text}`)],
      ]),
    );

  test('is put in the place of the next part, in all renditions, and told apart', () => {
    const { store } = make();
    slate(store, 'nothing was visible yet');
    expect(store.head).toBeUndefined();
    const seen: string[] = [];
    store.on('visible', (segment, part, isSlate) => seen.push(`${segment}.${part}${isSlate ? ' slate' : ''}`));
    putBoth(store, 1, ALL);
    for (const part of ALL) slate(store, `2.${part}`);
    expect(seen.slice(5)).toEqual([
      '1.5',
      '2.0 slate',
      '2.1 slate',
      '2.2 slate',
      '2.3 slate',
      '2.4 slate',
      '2.5 slate',
    ]);
    expect([store.isSlate(1), store.isSlate(2), store.isSlate(3)]).toEqual([false, true, false]);
    expect(Buffer.concat(store.segment('a0', 2) ?? []).toString()).toBe('sa2.0sa2.1sa2.2sa2.3sa2.4sa2.5');
  });

  test('a segment that it has begun is not mixed with a compositor’s, which is told nothing', () => {
    const { store } = make();
    putBoth(store, 1, ALL);
    slate(store, '2.0');
    expect(store.put('v720', 2, 0, bytes('late'), one)).toBe(false);
    expect(store.put('v720', 2, 1, bytes('late'), one)).toBe(false);
    expect(store.part('v720', 2, 0)?.toString()).toBe('sv2.0');
    putBoth(store, 3, [0]);
    expect(store.hasBegunAfter(2)).toBe(true);
    expect(store.hasBegunAfter(3)).toBe(false);
    for (const part of [1, 2, 3, 4, 5]) slate(store, `2.${part}`);
    expect(shown(store)).toEqual(['1 complete 6', '2 complete 6', '3 open 1']);
  });

  test('counts the lost segments before one', () => {
    const { store } = make();
    putBoth(store, 1, ALL);
    expect(store.gapsBefore(2)).toBe(0);
    store.loseHead();
    store.loseHead();
    expect(store.gapsBefore(4)).toBe(2);
  });
});
