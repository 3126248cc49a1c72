import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { GridWatch } from '../../../src/delivery/GridWatch.ts';
import { parseInit } from '../../../src/delivery/mp4/initSegment.ts';
import { ProgramStore } from '../../../src/delivery/ProgramStore.ts';
import { SlateFiller } from '../../../src/delivery/SlateFiller.ts';
import { SlateSegments } from '../../../src/delivery/SlateSegments.ts';
import { TakeLedger } from '../../../src/delivery/TakeLedger.ts';
import { AUDIO, GRID, TestClip, VIDEO } from '../../support/programParts.ts';

const PART_MS = 1000 / 3;
const ALL = [0, 1, 2, 3, 4, 5];
const [one, other] = ['caaaaaaaa', 'cbbbbbbbb'];
let clip: TestClip;
beforeAll(async () => {
  clip = await TestClip.make();
});
afterAll(() => clip.close());
const watches: GridWatch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch.close();
});

/** A program of compositor `one` from segment 0 on, a clock that the test moves, and what became visible or was lost. */
function make(grid = GRID, withSlate = true) {
  let now = 0;
  const renditions = [VIDEO, AUDIO];
  const store = new ProgramStore(grid, renditions);
  const takes = new TakeLedger();
  const slates = new SlateSegments(grid);
  const setSlate = (): void => {
    slates.set(VIDEO, parseInit(clip.inits.video), clip.slate.video);
    slates.set(AUDIO, parseInit(clip.inits.audio), clip.slate.audio);
  };
  if (withSlate) setSlate();
  const filler = new SlateFiller({ grid, renditions, store, slates });
  const fillSlate = (ms: number, arriving: () => boolean): boolean => filler.fill(ms, arriving);
  const watch = new GridWatch({ grid, renditions, store, takes, programMs: () => now, fillSlate });
  watches.push(watch);
  const seen: string[] = [];
  const late: number[] = [];
  store.on('visible', (segment, part, slate) => seen.push(`${segment}.${part}${slate ? ' slate' : ''}`));
  store.on('gap', (segment) => seen.push(`gap ${segment}`));
  watch.on('lost', () => store.loseHead());
  watch.on('late', ({ count }) => late.push(count));
  const at = (ms: number): string[] => {
    now = ms;
    watch.check();
    return seen.splice(0);
  };
  const take = (from: number, by: string, fence: number): void => {
    takes.add({ from, compositor: by, fence });
    watch.taken(from);
  };
  const put = (segment: number, parts: number[], by = one): void => {
    for (const part of parts)
      for (const id of renditions) store.put(id, segment, part, Buffer.from(`${by}${segment}.${part}`), by);
    watch.arrived(by);
  };
  take(0, one, 1);
  now = PART_MS;
  put(0, [0]);
  return { store, at, take, put, seen, late, setSlate };
}

describe('SlateFiller', () => {
  test('6 s of gap, then slate in real time, a part each second of a part', () => {
    const { at, late, store } = make();
    expect(at(PART_MS)).toEqual(['0.0']);
    expect(at(2999)).toEqual([]);
    expect(at(3001)).toEqual(['gap 0']);
    expect(at(5001)).toEqual(['gap 1']);
    expect(at(7001)).toEqual(['gap 2']);
    // Segment 3 begins at 6 s: its first part is over at 6.33 s, and slate a second later.
    expect(at(7332)).toEqual([]);
    for (const part of ALL) expect(at(7334 + part * PART_MS)).toEqual([`3.${part} slate`]);
    expect(at(9334)).toEqual(['4.0 slate']);
    // For minutes, without another gap; the list slides and goes nowhere back.
    const first = store.listed()[0]?.number ?? 0;
    const more: string[] = [];
    for (let ms = 9334 + PART_MS; ms < 300_000; ms += PART_MS) more.push(...at(ms));
    expect(more.every((line) => line.endsWith(' slate'))).toBe(true);
    expect(more).toHaveLength(Math.ceil((300_000 - 9334) / PART_MS) - 1);
    expect(store.listed()[0]?.number).toBeGreaterThan(first);
    // The controller goes on hearing that nothing comes.
    expect(late.at(-1)).toBeGreaterThanOrEqual(3);
  });

  test('a long stand-still of this process makes no longer gap', () => {
    const { at } = make();
    const all = at(60_000);
    expect(all.slice(0, 4)).toEqual(['0.0', 'gap 0', 'gap 1', 'gap 2']);
    expect(all.slice(4).every((line) => line.endsWith(' slate'))).toBe(true);
    expect(all.at(-1)).toBe('29.2 slate');
  });

  test('the successor begins at a segment: the slate before it is completed at once, and nothing is mixed', () => {
    const { at, take, put, seen, store } = make();
    for (let ms = PART_MS; ms < 10_400; ms += PART_MS) at(ms);
    expect(store.position).toBe(4 * 6 + 4);
    take(6, other, 2);
    at(12_300);
    seen.splice(0);
    put(6, [0], other);
    expect(seen.splice(0)).toEqual(['5.3 slate', '5.4 slate', '5.5 slate', '6.0']);
    expect(at(12_900)).toEqual([]);
    put(6, [1, 2, 3, 4, 5], other);
    expect(seen.splice(0)).toEqual(['6.1', '6.2', '6.3', '6.4', '6.5']);
    expect(store.segment(VIDEO, 6)?.[0]?.toString()).toBe(`${other}6.0`);
    // And when it dies as well, there is gap again before slate.
    expect(at(17_001)).toEqual(['gap 7']);
  });

  test('one that comes within the gap leaves no slate', () => {
    const { at, take, put, seen } = make();
    for (const ms of [PART_MS, 3001, 3500]) at(ms);
    take(2, other, 2);
    at(4000 + PART_MS);
    put(2, [0], other);
    expect(seen).toEqual(['gap 1', '2.0']);
  });

  test('one that is too late for its first segment is shown from the next on', () => {
    const { at, take, put, store } = make();
    for (let ms = PART_MS; ms < 9000; ms += PART_MS) at(ms);
    take(5, other, 2);
    for (let ms = 9000; ms < 11_500; ms += PART_MS) at(ms);
    expect(store.isSlate(5)).toBe(true);
    put(5, ALL, other);
    at(12_400);
    put(6, [0], other);
    expect(store.isSlate(5)).toBe(true);
    expect(store.position).toBe(6 * 6 + 1);
    expect(store.isSlate(6)).toBe(false);
  });

  test('a compositor that is putting is waited for, even where slate is due', () => {
    const { at, take, put, seen, store } = make();
    for (let ms = PART_MS; ms < 9000; ms += PART_MS) at(ms);
    take(5, other, 2);
    for (let ms = 9000; ms < 11_300; ms += PART_MS) at(ms);
    // Its sound is there, its picture comes more than a second late.
    store.put(AUDIO, 5, 0, Buffer.from('a'), other);
    put(6, [], other);
    expect(at(11_900).filter((line) => line.startsWith('5'))).toEqual([]);
    store.put(VIDEO, 5, 0, Buffer.from('v'), other);
    put(6, [], other);
    expect(seen.splice(0)).toEqual(['5.0']);
  });

  test('without a slate of every rendition there is nothing but gap; from the first one on there is slate', () => {
    const { at, setSlate } = make(GRID, false);
    at(PART_MS);
    const gaps = at(15_001);
    expect(gaps).toEqual([0, 1, 2, 3, 4, 5, 6].slice(0, 7).map((k) => `gap ${k}`));
    setSlate();
    expect(at(15_400)).toEqual(['7.0 slate']);
  });

  test.each([
    [1, 6],
    [2, 3],
    [3, 2],
    [4, 1],
    [6, 1],
    [8, 1],
  ])('segments of %i s: %i of them are gaps before slate, so many as 6 s hold, and one at least', (seconds, gaps) => {
    // Its samples are those of two seconds; here it counts only when they are put.
    const { at } = make({ ...GRID, framesPerSegment: seconds * GRID.fps });
    const seen: string[] = [];
    for (let ms = PART_MS; ms < seconds * 1000 * (gaps + 1) + 1500; ms += PART_MS) seen.push(...at(ms));
    const slate = seen.findIndex((line) => line.endsWith('slate'));
    expect(seen.slice(1, slate)).toEqual(Array.from({ length: gaps }, (_, k) => `gap ${k}`));
    expect(seen[slate]).toBe(`${gaps}.0 slate`);
  });
});
