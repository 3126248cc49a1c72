/** Rectangles of the scene: where they land, what is in them, and what of them is in front. */
import { expect, test } from 'vitest';
import { type CustomTile, Scene, type SceneInput } from '../../../src/contracts/scene.ts';
import { arrange } from '../../../src/layout/tiles.ts';
import { compositionOf, overlap, peerId, SHAPES } from './compositions.ts';

type TileInput = Extract<NonNullable<SceneInput['layout']>, { type: 'custom' }>['tiles'][number];
const custom = (tiles: TileInput[], more: SceneInput = {}): SceneInput => ({
  ...more,
  layout: { type: 'custom', tiles },
});
const full = { x: 0, y: 0, width: 1, height: 1 };
const [ann, bob] = [peerId(0), peerId(1)];

test.each(SHAPES)(
  '%s: rectangles that touch in fractions touch in the program, even and inside',
  (_, width, height) => {
    for (const parts of [2, 3, 5, 7]) {
      const tiles = Array.from({ length: parts }, (_, i) => ({ ...full, show: i, x: i / parts, width: 1 / parts }));
      const cells = arrange(compositionOf(16, custom(tiles)), width, height).map((t) => t.cell);
      expect(cells).toHaveLength(parts);
      expect(cells.reduce((x, cell) => (cell.x === x ? x + cell.width : Number.NaN), 0)).toBe(width);
      for (const [i, cell] of cells.entries()) {
        expect(Object.values(cell).map((value) => value % 2)).toEqual([0, 0, 0, 0]);
        expect(cells.slice(i + 1).some((other) => overlap(cell, other))).toBe(false);
      }
    }
  },
);

test('the smallest rectangle in the last corner is there', () => {
  const tiny = { show: 0, x: 0.99, y: 0.99, width: 0.01, height: 0.01 };
  for (const [width, height] of [
    [1280, 720],
    [160, 160],
    [16, 16],
  ] as const) {
    const [tile] = arrange(compositionOf(1, custom([tiny])), width, height);
    expect(Math.min(tile!.cell.width, tile!.cell.height)).toBeGreaterThanOrEqual(2);
    expect(tile!.cell.x + tile!.cell.width).toBe(width);
    expect(tile!.cell.y + tile!.cell.height).toBe(height);
  }
});

test('a source, a person, a place in the order; what is not there leaves its rectangle empty', () => {
  const room = compositionOf(3, {}, 1);
  const off = room.sources.map((s) => (s.id === `${bob}.camera` ? { ...s, paused: true } : s));
  const shown = (show: CustomTile['show']) => {
    const scene = Scene.parse(custom([{ ...full, show }]));
    return arrange({ ...room, scene, sources: off }, 1280, 720).map((t) => [t.key, t.source, t.fit]);
  };
  expect(shown(`${ann}.screen`)).toEqual([[`${ann}.screen`, `${ann}.screen`, 'contain']]);
  expect(shown(`${ann}.camera`)).toEqual([[ann, `${ann}.camera`, 'cover']]);
  expect(shown(`${bob}.camera`)).toEqual([]);
  expect(shown(bob)).toEqual([[bob, null, 'cover']]);
  expect(shown(0)).toEqual([[`${ann}.screen`, `${ann}.screen`, 'contain']]);
  expect(shown(3)).toEqual([[peerId(2), `${peerId(2)}.camera`, 'cover']]);
  expect(shown(4)).toEqual([]);
  expect(shown('pzzzzzzzz1')).toEqual([]);
});

test('a person who shares a screen without a camera is a placeholder where the scene asks for the person', () => {
  const room = compositionOf(1, custom([{ ...full, show: ann }]), 1);
  const sources = room.sources.filter((s) => s.kind === 'screen');
  expect(arrange({ ...room, sources }, 1280, 720)).toMatchObject([{ key: ann, source: null }]);
});

test('z, then the place in the list', () => {
  const tiles = [
    { ...full, show: 0, z: 1 },
    { ...full, show: 1 },
    { ...full, show: 2, z: -5 },
    { ...full, show: 3 },
  ];
  const keys = arrange(compositionOf(4, custom(tiles)), 1280, 720).map((t) => t.key);
  expect(keys).toEqual([2, 1, 3, 0].map(peerId));
});

test('fit, radius and border of its own; else the scene’s', () => {
  const half = { ...full, width: 0.5 };
  const tiles: TileInput[] = [
    { ...half, show: 0 },
    { ...half, x: 0.5, show: 1, fit: 'contain', radius: 0.5, border: { width: 0.01, color: '#00ff00' } },
    { ...half, show: 2, radius: 0, border: null },
  ];
  const scene = custom(tiles, { tiles: { gap: 0.02, radius: 0.1, border: { width: 0.005 } } });
  const [first, second, third] = arrange(compositionOf(3, scene), 1280, 720);
  expect(first).toMatchObject({ fit: 'cover', radius: 64, border: { width: 4, color: '#ffffff' } });
  expect(first?.cell).toEqual({ x: 0, y: 0, width: 640, height: 720 });
  expect(second).toMatchObject({ fit: 'contain', radius: 320, border: { width: 8, color: '#00ff00' } });
  expect(third).toMatchObject({ radius: 0, border: null });
});

test('what is shown twice has a key of its own the second time', () => {
  const tiles = [
    { ...full, show: 0 },
    { ...full, show: ann },
    { ...full, show: `${ann}.camera` },
  ];
  const keys = arrange(compositionOf(1, custom(tiles)), 1280, 720).map((t) => t.key);
  expect(keys).toEqual([ann, `${ann}#2`, `${ann}#3`]);
});
