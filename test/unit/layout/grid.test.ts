import { describe, expect, test } from 'vitest';
import { Scene } from '../../../src/contracts/scene.ts';
import { type Cell, gridLayout, place } from '../../../src/layout/grid.ts';
import { arrange, type Composition } from '../../../src/layout/tiles.ts';

const overlap = (a: Cell, b: Cell) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe.each([
  [1280, 720],
  [720, 1280],
  [720, 720],
])('gridLayout on %dx%d', (width, height) => {
  test.each(Array.from({ length: 16 }, (_, i) => i + 1))('%d tiles: even, inside, equal, apart', (count) => {
    const cells = gridLayout(count, width, height);
    expect(cells).toHaveLength(count);
    for (const [i, cell] of cells.entries()) {
      for (const value of Object.values(cell)) expect(value % 2).toBe(0);
      expect(cell.x).toBeGreaterThanOrEqual(0);
      expect(cell.y).toBeGreaterThanOrEqual(0);
      expect(cell.x + cell.width).toBeLessThanOrEqual(width);
      expect(cell.y + cell.height).toBeLessThanOrEqual(height);
      expect([cell.width, cell.height]).toEqual([cells[0]?.width, cells[0]?.height]);
      for (const other of cells.slice(i + 1)) expect(overlap(cell, other)).toBe(false);
    }
  });
});

test('nobody: no cell; one: the whole canvas; two: side by side; four: 2x2', () => {
  expect(gridLayout(0, 1280, 720)).toEqual([]);
  expect(gridLayout(1, 1280, 720)).toEqual([{ x: 0, y: 0, width: 1280, height: 720 }]);
  expect(gridLayout(2, 1280, 720).map((c) => [c.x, c.width])).toEqual([
    [0, 640],
    [640, 640],
  ]);
  expect(gridLayout(4, 1280, 720).map((c) => [c.x, c.y])).toEqual([
    [0, 0],
    [640, 0],
    [0, 360],
    [640, 360],
  ]);
});

describe('place', () => {
  const cell = { x: 100, y: 50, width: 640, height: 720 };
  test('cover fills the cell and keeps the aspect by cropping the source in the middle', () => {
    const { source, target } = place('cover', 1280, 720, cell);
    expect(target).toEqual(cell);
    expect(source).toEqual({ x: 320, y: 0, width: 640, height: 720 });
  });
  test('cover leaves a head on: of an upright picture it takes more from below than from above', () => {
    const { source } = place('cover', 360, 640, { x: 0, y: 0, width: 320, height: 180 });
    expect(source).toMatchObject({ x: 0, width: 360, height: 202 });
    expect(source.y).toBe(156);
  });
  test('contain shows all of the source, centred', () => {
    const { source, target } = place('contain', 1280, 720, cell);
    expect(source).toEqual({ x: 0, y: 0, width: 1280, height: 720 });
    expect(target).toEqual({ x: 100, y: 230, width: 640, height: 360 });
  });
  test.each([
    [16, 16],
    [3840, 2160],
    [321, 241],
    [720, 1280],
  ])('a %dx%d source stays inside itself and the cell', (w, h) => {
    for (const fit of ['cover', 'contain'] as const) {
      const { source, target } = place(fit, w, h, cell);
      expect(source.x + source.width).toBeLessThanOrEqual(w);
      expect(source.y + source.height).toBeLessThanOrEqual(h);
      expect(target.x + target.width).toBeLessThanOrEqual(cell.x + cell.width);
      expect(target.y + target.height).toBeLessThanOrEqual(cell.y + cell.height);
    }
  });
});

describe('arrange', () => {
  const peers = [
    { id: 'paaaaaaaa1', name: 'Ann' },
    { id: 'paaaaaaaa2', name: 'Bob' },
  ];
  const camera = (peer: string, paused = false) => ({ id: `${peer}.camera`, peer, kind: 'camera' as const, paused });
  const composed = (scene: Scene, sources: Composition['sources']): Composition => ({
    scene,
    peers,
    sources,
    active: null,
  });

  test('a camera that is off, paused or hidden is a placeholder', () => {
    const tiles = arrange(composed(Scene.parse({}), [camera('paaaaaaaa1', true)]), 1280, 720);
    expect(tiles.map((t) => t.source)).toEqual([null, null]);
    const hidden = Scene.parse({ sources: { 'paaaaaaaa2.camera': { hidden: true } } });
    const both = composed(hidden, [camera('paaaaaaaa1'), camera('paaaaaaaa2')]);
    expect(arrange(both, 1280, 720).map((t) => t.source)).toEqual(['paaaaaaaa1.camera', null]);
  });

  test('the order of the scene, then of the seats; a screen stands before its camera', () => {
    const sources = [
      camera('paaaaaaaa1'),
      camera('paaaaaaaa2'),
      { ...camera('paaaaaaaa2'), id: 'paaaaaaaa2.screen', kind: 'screen' as const },
    ];
    const tiles = arrange(composed(Scene.parse({ order: ['paaaaaaaa2'] }), sources), 1280, 720);
    expect(tiles.map((t) => [t.source, t.fit])).toEqual([
      ['paaaaaaaa2.screen', 'contain'],
      ['paaaaaaaa2.camera', 'cover'],
      ['paaaaaaaa1.camera', 'cover'],
    ]);
  });
});
