/** From one arrangement to another: what moves, what fades, what is in front. */
import { describe, expect, test } from 'vitest';
import { Scene, type SceneInput } from '../../../src/contracts/scene.ts';
import type { Cell } from '../../../src/layout/grid.ts';
import { arrange, type Tile } from '../../../src/layout/tiles.ts';
import { between, type MovingTile, phaseAt, transitionFrames } from '../../../src/layout/transition.ts';
import { compositionOf, faultsOf, LAYOUTS, overlap, peerId, SHAPES } from './compositions.ts';

const PHASES = [0.01, 0.1, 0.25, 0.4999, 0.5, 0.75, 0.9, 0.99];
const tilesOf = (people: number, scene: SceneInput, width = 1280, height = 720, screens = 0) =>
  arrange(compositionOf(people, scene, screens), width, height);
const still = (tiles: readonly Tile[]): MovingTile[] => tiles.map((tile) => ({ ...tile, opacity: 1 }));
const byKey = (tiles: readonly MovingTile[], key: string): MovingTile => tiles.find((t) => t.key === key)!;

describe('phaseAt', () => {
  const transition = Scene.parse({}).transition;

  test('300 ms at 30 fps: the named frame shows it, nine frames move, the tenth is at rest', () => {
    expect(transitionFrames(transition, 30)).toBe(9);
    expect(phaseAt(99, 100, 30, transition)).toBe(0);
    expect(phaseAt(100, 100, 30, transition)).toBeCloseTo(0.1);
    expect(phaseAt(108, 100, 30, transition)).toBeCloseTo(0.9);
    expect(phaseAt(109, 100, 30, transition)).toBe(1);
    expect(phaseAt(10_000, 100, 30, transition)).toBe(1);
  });

  test.each([
    { type: 'cut', ms: 300 },
    { type: 'smooth', ms: 0 },
  ] as const)('$type of $ms ms: at once', (at) => {
    expect([99, 100, 101].map((frame) => phaseAt(frame, 100, 30, at))).toEqual([0, 1, 1]);
  });
});

describe.each(SHAPES)('between any two arrangements, %s', (_, width, height) => {
  const looks = { tiles: { gap: 0.02, radius: 0.2, border: { width: 0.01 } } };
  const arrangements = LAYOUTS.flatMap((type) => [
    tilesOf(3, { layout: { type }, autoScreen: false }, width, height),
    tilesOf(9, { layout: { type }, autoScreen: false, pin: peerId(2), ...looks }, width, height, 1),
  ]);
  // Rectangles that lie over one another, the other way round the second time.
  const stack = (up: number) =>
    Array.from({ length: 4 }, (_, i) => ({ show: i, x: 0.1 * i, y: 0.1 * i, width: 0.6, height: 0.6, z: up * i }));
  for (const tiles of [stack(1), stack(-1)]) {
    arrangements.push(tilesOf(5, { layout: { type: 'custom', tiles } }, width, height));
  }
  const pairs = arrangements.flatMap((from) => arrangements.map((to) => [from, to] as const));

  test('phase 0 is the one, phase 1 the other', () => {
    for (const [from, to] of pairs) {
      expect(between(from, to, 0)).toEqual(still(from));
      expect(between(from, to, 1)).toEqual(still(to));
    }
  });

  test('even, inside, each key once, nothing forgotten', () => {
    const faults: string[] = [];
    for (const [from, to] of pairs) {
      const keys = new Set([...from, ...to].map((t) => t.key));
      for (const phase of PHASES) {
        const tiles = between(from, to, phase);
        if (tiles.length !== keys.size) faults.push(`${tiles.length} tiles, not ${keys.size}`);
        for (const { key, cell, radius, border, opacity } of tiles) {
          faults.push(...faultsOf(cell, width, height));
          if (!keys.has(key)) faults.push(`${key} comes from nowhere`);
          if ((border?.width ?? 0) % 2 !== 0) faults.push(`border ${border?.width}`);
          if (radius > Math.min(cell.width, cell.height) / 2) faults.push(`radius ${radius}`);
          if (opacity < 0 || opacity > 1) faults.push(`opacity ${opacity}`);
        }
      }
    }
    expect(faults).toEqual([]);
  });

  test('what overlaps at an end is painted as it is there when the end is near', () => {
    const wrong: string[] = [];
    for (const [from, to] of pairs) {
      for (const [end, phase] of [
        [from, 0.01],
        [to, 0.99],
      ] as const) {
        const place = new Map(between(from, to, phase).map((t, i) => [t.key, i]));
        for (const [i, a] of end.entries()) {
          for (const b of end.slice(i + 1)) {
            if (!overlap(a.cell, b.cell) || place.get(a.key)! < place.get(b.key)!) continue;
            wrong.push(`${a.key} over ${b.key} at ${phase}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test('nothing jumps: a twentieth of the way moves no edge by more than 8 % of the program', () => {
    const jumps: string[] = [];
    for (const [from, to] of pairs) {
      for (let step = 0; step < 20; step++) {
        const before = between(from, to, step / 20);
        const after = new Map(between(from, to, (step + 1) / 20).map((t) => [t.key, t]));
        for (const { key, cell } of before) {
          const next = after.get(key)?.cell ?? cell;
          const far = (side: keyof Cell, of: number) => Math.abs(next[side] - cell[side]) > 0.08 * of;
          if (far('x', width) || far('width', width) || far('y', height) || far('height', height)) {
            jumps.push(`${key} at ${step}: ${JSON.stringify([cell, next])}`);
          }
        }
      }
    }
    expect(jumps).toEqual([]);
  });
});

test('softly: slow at both ends, half way in the middle', () => {
  const from = tilesOf(2, {});
  const to = tilesOf(2, { order: [peerId(1)] });
  const x = (phase: number) => byKey(between(from, to, phase), peerId(0)).cell.x;
  expect(x(0.5)).toBe(320);
  expect(x(0.1)).toBe(16);
  expect(640 - x(0.9)).toBe(18);
});

test('who comes fades in at the place, who goes fades out there', () => {
  const [three, four] = [tilesOf(3, {}), tilesOf(4, {})];
  const coming = between(three, four, 0.5);
  expect(byKey(coming, peerId(3))).toMatchObject({ opacity: 0.5, cell: four[3]!.cell });
  expect(byKey(coming, peerId(0)).opacity).toBe(1);
  const going = between(four, three, 0.25);
  expect(byKey(going, peerId(3))).toMatchObject({ cell: four[3]!.cell, source: `${peerId(3)}.camera` });
  expect(byKey(going, peerId(3)).opacity).toBeCloseTo(1 - 0.15625);
});

test('one spotlight after another: a cross-fade over the old one, without a dip', () => {
  const from = tilesOf(2, { layout: { type: 'spotlight' } });
  const to = tilesOf(2, { layout: { type: 'spotlight' }, pin: peerId(1) });
  expect(between(from, to, 0.5).map((t) => [t.key, t.opacity])).toEqual([
    [peerId(0), 1],
    [peerId(1), 0.5],
  ]);
  // Rounded corners would uncover the old one until it goes: then it fades.
  const round = { layout: { type: 'spotlight' }, tiles: { radius: 0.1 } } as const;
  const rounded = between(tilesOf(2, round), tilesOf(2, { ...round, pin: peerId(1) }), 0.5);
  expect(rounded.map((t) => t.opacity)).toEqual([0.5, 0.5]);
});

test('a camera that was switched off is a placeholder from the first frame of the change', () => {
  const room = compositionOf(2);
  const from = arrange(room, 1280, 720);
  const sources = room.sources.filter((s) => s.id !== `${peerId(0)}.camera`);
  const to = arrange({ ...room, sources }, 1280, 720);
  expect(byKey(between(from, to, 0.1), peerId(0))).toMatchObject({ source: null, opacity: 1, cell: from[0]!.cell });
});

test('a tile that grows is in front of those that shrink', () => {
  const from = tilesOf(4, { layout: { type: 'speaker' } });
  const to = tilesOf(4, { layout: { type: 'speaker' }, pin: peerId(3) });
  for (const phase of PHASES) {
    const order = between(from, to, phase).map((t) => t.key);
    expect([order[0], order.at(-1)]).toEqual([peerId(0), peerId(3)]);
  }
});

test('pip whose pictures change places: the order changes when both have one cell', () => {
  const from = tilesOf(2, { layout: { type: 'pip' } });
  const to = tilesOf(2, { layout: { type: 'pip' }, pin: peerId(1) });
  const front = (phase: number) => between(from, to, phase).at(-1)?.key;
  expect([0.1, 0.49].map(front)).toEqual([peerId(1), peerId(1)]);
  expect([0.5, 0.9].map(front)).toEqual([peerId(0), peerId(0)]);
  const [a, b] = between(from, to, 0.5);
  expect(a!.cell).toEqual(b!.cell);
});

test('radius and border change on the way; a border grows from nothing', () => {
  const from = tilesOf(1, {});
  const to = tilesOf(1, { tiles: { radius: 0.1, border: { width: 0.02, color: '#ff0000' } } });
  const [tile] = between(from, to, 0.5);
  expect(tile).toMatchObject({ radius: 36, border: { width: 8, color: '#ff0000' } });
  expect(between(to, from, 0.5)[0]?.border).toEqual({ width: 8, color: '#ff0000' });
  expect(between(from, to, 0.05)[0]?.border).toBeNull();
});

test('a change that interrupts another goes on from where that one is', () => {
  const [two, three] = [tilesOf(2, {}), tilesOf(3, {})];
  const middle = between(two, three, 0.5);
  expect(between(middle, two, 0)).toEqual(middle);
  const back = between(middle, two, 0.5);
  expect(byKey(back, peerId(2)).opacity).toBeCloseTo(0.25);
  expect(byKey(back, peerId(0)).opacity).toBe(1);
  const again = between(middle, three, 0.5);
  expect(byKey(again, peerId(2)).opacity).toBeCloseTo(0.75);
});
