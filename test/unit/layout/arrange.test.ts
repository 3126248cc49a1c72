/** What holds for every layout, number of people and shape of program; and a few arrangements to the pixel. */
import { describe, expect, test } from 'vitest';
import type { SceneInput } from '../../../src/contracts/scene.ts';
import type { Cell } from '../../../src/layout/grid.ts';
import { arrange, type Tile } from '../../../src/layout/tiles.ts';
import { compositionOf, faultsOf, LAYOUTS, overlap, peerId, SHAPES } from './compositions.ts';

const COUNTS = Array.from({ length: 16 }, (_, i) => i + 1);
const GAPS = [0, 0.01, 0.05];

const box = ({ cell }: Tile): Cell => cell;
const numbers = ({ x, y, width, height }: Cell) => [x, y, width, height];
const area = ({ width, height }: Cell) => width * height;

describe.each(SHAPES)('%s', (_, width, height) => {
  const short = Math.min(width, height);

  describe.each(LAYOUTS)('%s', (type) => {
    test.each([0, 1, 3])('%d screens, 1 to 16 people, each gap: even, inside, apart, each once', (screens) => {
      const faults: string[] = [];
      for (const people of COUNTS) {
        for (const gap of GAPS) {
          const scene: SceneInput = { layout: { type }, tiles: { gap, radius: 0.1, border: { width: 0.01 } } };
          const tiles = arrange(compositionOf(people, scene, screens), width, height);
          const edge = 2 * Math.round((gap * short) / 2);
          const room = `${people} people, gap ${gap}`;
          if (tiles.length === 0) faults.push(`${room}: nothing`);
          if (new Set(tiles.map((t) => t.key)).size !== tiles.length) faults.push(`${room}: twice`);
          for (const [i, { cell, radius, border }] of tiles.entries()) {
            const shorter = Math.min(cell.width, cell.height);
            faults.push(...faultsOf(cell, width, height, edge).map((fault) => `${room}: ${fault}`));
            if (radius !== 0.1 * shorter) faults.push(`${room}: radius ${radius}`);
            if (!border || border.width % 2 !== 0 || border.width > shorter / 4) faults.push(`${room}: border`);
            if (type === 'pip') continue;
            if (tiles.slice(i + 1).some((other) => overlap(cell, other.cell))) faults.push(`${room}: ${i} overlaps`);
          }
        }
      }
      expect(faults).toEqual([]);
    });

    test('1 to 16 people: nobody is a sliver', () => {
      for (const people of COUNTS) {
        for (const { cell } of arrange(compositionOf(people, { layout: { type } }), width, height)) {
          expect(Math.min(cell.width, cell.height)).toBeGreaterThanOrEqual(short / 8);
          expect(cell.width / cell.height).toBeLessThanOrEqual(2);
          expect(cell.width / cell.height).toBeGreaterThanOrEqual(0.56);
        }
      }
    });

    test('one person has the whole program', () => {
      const tiles = arrange(compositionOf(1, { layout: { type } }), width, height);
      expect(tiles.map(box)).toEqual([{ x: 0, y: 0, width, height }]);
    });

    test('nobody: no tile', () => {
      expect(arrange(compositionOf(0, { layout: { type } }), width, height)).toEqual([]);
    });
  });

  test('a shared screen and 1 to 16 people: the screen is largest, everybody is seen and nobody a sliver', () => {
    for (const people of COUNTS) {
      const tiles = arrange(compositionOf(people, { layout: { type: 'grid' } }, 1), width, height);
      const everybody = Array.from({ length: people }, (_, i) => peerId(i));
      expect(tiles.map((t) => t.key)).toEqual([`${peerId(0)}.screen`, ...everybody]);
      const [screen, ...rest] = tiles.map(box);
      for (const cell of rest) {
        expect(area(cell)).toBeLessThanOrEqual(area(screen!));
        expect(Math.min(cell.width, cell.height)).toBeGreaterThanOrEqual(short / 8);
      }
      // What a 16:9 screen is seen at: most of the program's width.
      expect(Math.min(screen!.width, (screen!.height * 16) / 9)).toBeGreaterThanOrEqual(0.75 * width);
    }
  });

  test.each(['grid', 'speaker', 'sidebar'] as const)('%s shows everybody', (type) => {
    for (const people of COUNTS) {
      const keys = arrange(compositionOf(people, { layout: { type } }), width, height).map((t) => t.key);
      expect(keys.sort()).toEqual(Array.from({ length: people }, (_, i) => peerId(i)));
    }
  });

  test.each(['speaker', 'sidebar'] as const)('%s: the large one is several times as large as any other', (type) => {
    for (const people of COUNTS.slice(1)) {
      const [large, ...rest] = arrange(compositionOf(people, { layout: { type } }), width, height).map(box);
      for (const cell of rest) expect(area(large!)).toBeGreaterThan(3 * area(cell));
      expect(area(large!)).toBeGreaterThan(0.35 * width * height);
    }
  });

  test('16 people and 16 screens have a place', () => {
    for (const type of LAYOUTS) {
      for (const { cell } of arrange(compositionOf(16, { layout: { type } }, 16), width, height)) {
        expect(Math.min(cell.width, cell.height)).toBeGreaterThanOrEqual(short / 16);
      }
    }
  });
});

test.each([
  [640, 360],
  [1920, 1080],
  [854, 480],
  [426, 240],
  [3840, 2160],
  [360, 640],
  [1080, 1350],
  [66, 34],
  [16, 16],
])('%dx%d: even and inside with the widest gap', (width, height) => {
  for (const type of LAYOUTS) {
    for (const people of [1, 2, 7, 16]) {
      const scene: SceneInput = { layout: { type }, tiles: { gap: 0.05, border: { width: 0.05 } } };
      for (const { cell } of arrange(compositionOf(people, scene, 2), width, height)) {
        expect(faultsOf(cell, width, height)).toEqual([]);
      }
    }
  }
});

describe('to the pixel, 1280x720', () => {
  const cells = (people: number, scene: SceneInput, screens = 0) =>
    arrange(compositionOf(people, scene, screens), 1280, 720).map((t) => numbers(t.cell));

  test('speaker and five: five 16:9 tiles fill the strip, the speaker is 16:9 above them', () => {
    expect(cells(6, { layout: { type: 'speaker' } })).toEqual([
      [128, 0, 1024, 576],
      [0, 576, 256, 144],
      [256, 576, 256, 144],
      [512, 576, 256, 144],
      [768, 576, 256, 144],
      [1024, 576, 256, 144],
    ]);
  });

  test('sidebar and four: on either side', () => {
    const right = cells(5, { layout: { type: 'sidebar' } });
    expect(right).toEqual([
      [0, 0, 960, 720],
      [960, 0, 320, 180],
      [960, 180, 320, 180],
      [960, 360, 320, 180],
      [960, 540, 320, 180],
    ]);
    const left = cells(5, { layout: { type: 'sidebar', side: 'left' } });
    expect(left.map(([x]) => x)).toEqual([320, 0, 0, 0, 0]);
  });

  test('sixteen: the strip is two rows of the smallest tiles', () => {
    const [large, ...rest] = cells(16, { layout: { type: 'speaker' } });
    expect(large).toEqual([160, 0, 960, 540]);
    expect(rest.map(([x, y]) => [x, y])).toEqual([
      ...Array.from({ length: 8 }, (_, i) => [160 * i, 540]),
      ...Array.from({ length: 7 }, (_, i) => [80 + 160 * i, 630]),
    ]);
  });

  test('pip in each corner', () => {
    const corner = (at: 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right') =>
      cells(2, { layout: { type: 'pip', corner: at } });
    expect(corner('bottom-right')).toEqual([
      [0, 0, 1280, 720],
      [940, 520, 320, 180],
    ]);
    expect(corner('top-left')[1]).toEqual([20, 20, 320, 180]);
    expect(corner('top-right')[1]).toEqual([940, 20, 320, 180]);
    expect(corner('bottom-left')[1]).toEqual([20, 520, 320, 180]);
  });

  test('split by the share', () => {
    expect(cells(3, { layout: { type: 'split', share: 0.7 } })).toEqual([
      [0, 0, 896, 720],
      [896, 0, 384, 720],
    ]);
  });

  test('a screen and three people beside it', () => {
    expect(cells(3, {}, 1)).toEqual([
      [0, 0, 1024, 720],
      [1024, 104, 256, 170],
      [1024, 274, 256, 170],
      [1024, 444, 256, 170],
    ]);
  });

  test('gaps, corners and borders in pixels', () => {
    const scene: SceneInput = {
      layout: { type: 'grid' },
      tiles: { gap: 0.02, radius: 0.1, border: { width: 0.005, color: '#ff0000' } },
    };
    const tiles = arrange(compositionOf(4, scene), 1280, 720);
    expect(tiles.map((t) => numbers(t.cell))).toEqual([
      [14, 14, 618, 338],
      [646, 14, 618, 338],
      [14, 366, 618, 338],
      [646, 366, 618, 338],
    ]);
    expect(tiles[0]).toMatchObject({ radius: expect.closeTo(33.8, 6), border: { width: 4, color: '#ff0000' } });
  });
});

describe('to the pixel, 720x1280', () => {
  const cells = (people: number, scene: SceneInput, screens = 0) =>
    arrange(compositionOf(people, scene, screens), 720, 1280).map((t) => numbers(t.cell));

  test('speaker and two: below', () => {
    expect(cells(3, { layout: { type: 'speaker' } })).toEqual([
      [0, 0, 720, 1024],
      [0, 1024, 360, 256],
      [360, 1024, 360, 256],
    ]);
  });
  test('split: one above the other', () => {
    expect(cells(2, { layout: { type: 'split' } })).toEqual([
      [0, 0, 720, 640],
      [0, 640, 720, 640],
    ]);
  });
  test('a screen and one person: half and half; and four: two rows of two', () => {
    expect(cells(1, {}, 1)).toEqual([
      [0, 0, 720, 640],
      [0, 640, 720, 640],
    ]);
    expect(cells(4, {}, 1).map(([, y, w]) => [y, w])).toEqual([
      [0, 720],
      [452, 360],
      [452, 360],
      [866, 360],
      [866, 360],
    ]);
  });
});
