import { describe, expect, test } from 'vitest';
import { type LabelPlace, placeLabel } from '../../../../compositor/compose/labels.ts';
import { placeLayers, safeArea } from '../../../../compositor/compose/layers.ts';
import { intersection } from '../../../../compositor/compose/rects.ts';
import { Corner } from '../../../../src/contracts/scene.ts';
import type { Cell } from '../../../../src/layout/grid.ts';

const programs = [
  { width: 1280, height: 720 },
  { width: 720, height: 1280 },
  { width: 720, height: 720 },
  { width: 640, height: 360 },
];

describe('layers over the program', () => {
  test.each(Corner.options)('with a logo at %s: inside the safe area, none over another', (corner) => {
    for (const program of programs) {
      const unit = Math.min(program.width, program.height);
      const safe = safeArea(program);
      for (const captions of [null, { width: safe.width, height: 96 }, { width: 200, height: 50 }]) {
        for (const lowerThird of [null, { width: Math.floor(safe.width * 0.4) * 2, height: 90 }]) {
          const logo = { width: 120, height: 2 * Math.round(unit / 12), corner };
          const places = placeLayers(program, { captions, captionsHeight: 96, lowerThird, logo });
          const cells = Object.values(places).filter((cell) => cell !== null);
          expect(cells).toHaveLength(1 + (captions ? 1 : 0) + (lowerThird ? 1 : 0));
          for (const [i, cell] of cells.entries()) {
            expect(intersection(cell, safe)).toEqual(cell);
            expect(cell.x % 2 === 0 && cell.y % 2 === 0).toBe(true);
            for (const other of cells.slice(i + 1)) expect(intersection(cell, other)).toBeNull();
          }
        }
      }
    }
  });

  test('the lower third stays where it is when a caption gets a second line', () => {
    const [program] = programs as [(typeof programs)[0]];
    const at = (height: number) =>
      placeLayers(program, {
        captions: { width: 600, height },
        captionsHeight: 96,
        lowerThird: { width: 400, height: 90 },
        logo: null,
      }).lowerThird;
    expect(at(50)).toEqual(at(96));
  });
});

describe('a label', () => {
  const cell = { x: 100, y: 100, width: 400, height: 200 };
  const size = { width: 120, height: 30 };
  const placed = (obstacles: Cell[], of: Partial<LabelPlace> = {}) =>
    placeLabel({ cell, area: cell, radius: 0, margin: 10, ...of }, size, obstacles);

  test('is at the lower left', () => {
    expect(placed([])).toEqual({ x: 110, y: 260 });
  });

  test('makes room for what lies over the program, or in front: above it, else at the top', () => {
    expect(placed([{ x: 0, y: 240, width: 300, height: 100 }])).toEqual({ x: 110, y: 200 });
    expect(placed([{ x: 0, y: 140, width: 300, height: 200 }])).toEqual({ x: 110, y: 100 });
    // Beside it nothing is in the way.
    expect(placed([{ x: 300, y: 240, width: 300, height: 100 }])).toEqual({ x: 110, y: 260 });
  });

  test('does not touch a title that begins just below', () => {
    expect(placed([{ x: 0, y: 292, width: 300, height: 100 }]).y).toBeLessThanOrEqual(292 - 30 - 10);
  });

  test('stays in its place where there is no other', () => {
    expect(placed([{ x: 0, y: 0, width: 1000, height: 1000 }])).toEqual({ x: 110, y: 260 });
  });

  test('is in the bar below a picture that leaves one, where it hides nothing of it', () => {
    expect(placed([], { area: { ...cell, y: 140, height: 120 } })).toEqual({ x: 110, y: 264 });
    expect(placed([], { area: { ...cell, y: 120, height: 160 } })).toEqual({ x: 110, y: 240 });
  });

  test('is in the middle of a disc, as low as its corners are inside', () => {
    const disc = { x: 0, y: 0, width: 300, height: 300 };
    const { x, y } = placed([], { cell: disc, area: disc, radius: 150 });
    expect(x).toBe(90);
    expect(Math.hypot(150 - x, y + size.height - 150)).toBeLessThanOrEqual(150);
    expect(y).toBeGreaterThan(240);
  });
});
