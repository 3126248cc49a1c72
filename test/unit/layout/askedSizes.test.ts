import { expect, test } from 'vitest';
import { askedSizes } from '../../../src/layout/askedSizes.ts';

const program = { width: 1280, height: 720 };
const tile = (source: string | null, width: number, height: number) => ({
  source,
  cell: { x: 0, y: 0, width, height },
});

test('the size of each tile, the largest of two; under pressure half of it for a quarter of the program or less', () => {
  const tiles = [
    tile('large', 320, 180),
    tile('large', 960, 540),
    tile('quarter', 640, 360),
    tile('small', 213, 121),
    tile(null, 100, 100),
  ];
  const whole = {
    large: { width: 960, height: 540 },
    quarter: { width: 640, height: 360 },
    small: { width: 213, height: 121 },
  };
  expect(askedSizes(tiles, program, 'none')).toEqual(whole);
  for (const step of ['lower-layers', 'half-source-rate', 'half-program-rate'] as const) {
    expect(askedSizes(tiles, program, step)).toEqual({
      large: whole.large,
      quarter: { width: 320, height: 180 },
      small: { width: 107, height: 61 },
    });
  }
});
