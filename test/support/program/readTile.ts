/** One tile of the program's picture → what the simulated peer in it says. Pure; the places are the simulator's `frameCode.ts`. */
import {
  type Area,
  BASE_HEIGHT,
  BASE_WIDTH,
  BLACK,
  blocksOf,
  COLOUR_AREA,
  decodeFrameCode,
  FLASH_AREA,
  MIN_CONTRAST,
  nearestHue,
  WHITE,
} from '../../../scripts/simulator/clip/frameCode.ts';
import type { Fit } from '../../../src/contracts/scene.ts';
import { type Cell, gridLayout } from '../../../src/layout/grid.ts';

/** A decoded picture, 4:2:0, eight bits. */
export interface Picture {
  width: number;
  height: number;
  /** Y, Cb, Cr. */
  planes: readonly Uint8Array[];
  strides: readonly number[];
}

export interface TileReading {
  cell: Cell;
  /** The peer's clip and the frame's counter; null: no readable code. */
  code: { clip: number; counter: number } | null;
  /** Whether the flash is white. */
  flash: boolean;
  /** The hue that the colour strip is nearest to, and how far away it is. */
  hue: { clip: number; distance: number };
  /** Least difference between a block and its inverse. */
  contrast: number;
}

/** Of a block only this much of its width and height in the middle is looked at: edges are blurred. */
const CORE = 0.5;

type Average = (area: Area) => number;

/** Averages over an area in base units, on plane `plane`. */
function averager(picture: Picture, cell: Cell, fit: Fit, plane: number): Average {
  const scale = (fit === 'cover' ? Math.max : Math.min)(cell.width / BASE_WIDTH, cell.height / BASE_HEIGHT);
  const sub = plane === 0 ? 1 : 2;
  const samples = picture.planes[plane] ?? new Uint8Array();
  const stride = picture.strides[plane] ?? 0;
  const toX = (x: number) => (cell.x + cell.width / 2 + (x - BASE_WIDTH / 2) * scale) / sub;
  const toY = (y: number) => (cell.y + cell.height / 2 + (y - BASE_HEIGHT / 2) * scale) / sub;
  return (area) => {
    const marginX = (area.width * (1 - CORE)) / 2;
    const marginY = (area.height * (1 - CORE)) / 2;
    const left = Math.ceil(toX(area.x + marginX));
    const top = Math.ceil(toY(area.y + marginY));
    const right = Math.max(left + 1, Math.floor(toX(area.x + area.width - marginX)));
    const bottom = Math.max(top + 1, Math.floor(toY(area.y + area.height - marginY)));
    let sum = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += samples[y * stride + x] ?? 0;
    return sum / ((right - left) * (bottom - top));
  };
}

export function readTile(picture: Picture, cell: Cell, fit: Fit = 'cover'): TileReading {
  const luma = averager(picture, cell, fit, 0);
  let bits = 0;
  let contrast = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 16; i++) {
    const { plain, inverse } = blocksOf(i);
    const difference = luma(plain) - luma(inverse);
    contrast = Math.min(contrast, Math.abs(difference));
    bits = (bits << 1) | (difference > 0 ? 1 : 0);
  }
  const cb = averager(picture, cell, fit, 1)(COLOUR_AREA);
  const cr = averager(picture, cell, fit, 2)(COLOUR_AREA);
  return {
    cell,
    code: contrast >= MIN_CONTRAST ? decodeFrameCode(bits) : null,
    flash: luma(FLASH_AREA) > (WHITE + BLACK) / 2,
    hue: nearestHue(cb, cr),
    contrast,
  };
}

/**
 * Finds out by itself how many tiles the program has: the grid in which the most codes are readable. `likely` is tried first
 * and taken when all of its tiles are readable. Tiles without a code are placeholders. Empty: no code in any grid.
 */
export function readTiles(picture: Picture, likely = 0): TileReading[] {
  const grid = (count: number) =>
    gridLayout(count, picture.width, picture.height).map((cell) => readTile(picture, cell));
  const readable = (tiles: TileReading[]) => tiles.filter((tile) => tile.code).length;
  let best: TileReading[] = likely > 0 ? grid(likely) : [];
  if (likely > 0 && readable(best) === likely) return best;
  for (let count = 1; count <= 16; count++) {
    const tiles = grid(count);
    if (readable(tiles) > readable(best)) best = tiles;
  }
  return readable(best) > 0 ? best : [];
}
