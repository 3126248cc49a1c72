/** Pure geometry: how many tiles, on which canvas → one rectangle a tile. */
import type { Fit } from '../contracts/scene.ts';

export interface Cell {
  /** Pixels from the left and the top, and size; all even, so that a cell falls on whole chroma samples of 4:2:0. */
  x: number;
  y: number;
  width: number;
  height: number;
}

const even = (value: number): number => Math.max(2, 2 * Math.floor(value / 2));

/**
 * The shape (width / height) in which people look best on a canvas: as their cameras are on a wide one, squarer on a narrow one,
 * where rows of 16:9 would be too low to leave heads on.
 */
const personAspect = (width: number, height: number): number =>
  Math.min(16 / 9, Math.max(1, (4 / 3) * (width / height)));

/**
 * Puts 1 to 32 tiles into rows of equal cells. It takes the number of columns that gives people the largest tiles (of equally
 * good ones, the more columns on a wide canvas: two people stand side by side); a last row that is not full is centred.
 */
export function gridLayout(count: number, width: number, height: number, gap = 0): Cell[] {
  if (count <= 0) return [];
  let columns = 1;
  let best = 0;
  const aspect = personAspect(width, height);
  for (let c = 1; c <= count; c++) {
    const rows = Math.ceil(count / c);
    const cellWidth = (width - gap * (c - 1)) / c;
    const cellHeight = (height - gap * (rows - 1)) / rows;
    const visible = Math.min(cellWidth, cellHeight * aspect);
    if (visible > best + 1e-6 || (width >= height && visible > best - 1e-6)) {
      best = visible;
      columns = c;
    }
  }
  const rows = Math.ceil(count / columns);
  const cellWidth = even((width - gap * (columns - 1)) / columns);
  const cellHeight = even((height - gap * (rows - 1)) / rows);
  const top = even((height - (rows * cellHeight + (rows - 1) * gap)) / 2 + 2) - 2;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = even((width - (inRow * cellWidth + (inRow - 1) * gap)) / 2 + 2) - 2;
    return {
      x: 2 * Math.floor((left + (i % columns) * (cellWidth + gap)) / 2),
      y: 2 * Math.floor((top + row * (cellHeight + gap)) / 2),
      width: cellWidth,
      height: cellHeight,
    };
  });
}

/** Of what is cropped in height, this much is taken from above: heads are in the upper half of a picture, in a phone held upright most. */
const CROP_ABOVE = 0.36;

/** The part of a source that is shown, in source pixels, and where it lands, in canvas pixels. */
export interface Placement {
  source: Cell;
  target: Cell;
}

/** `cover` fills the cell and crops the source, less of it above than below; `contain` shows all of it and leaves bars. */
export function place(fit: Fit, sourceWidth: number, sourceHeight: number, cell: Cell): Placement {
  const scale =
    fit === 'cover'
      ? Math.max(cell.width / sourceWidth, cell.height / sourceHeight)
      : Math.min(cell.width / sourceWidth, cell.height / sourceHeight);
  if (fit === 'contain') {
    const width = Math.min(cell.width, even(sourceWidth * scale));
    const height = Math.min(cell.height, even(sourceHeight * scale));
    return {
      source: { x: 0, y: 0, width: sourceWidth, height: sourceHeight },
      target: {
        x: cell.x + 2 * Math.floor((cell.width - width) / 4),
        y: cell.y + 2 * Math.floor((cell.height - height) / 4),
        width,
        height,
      },
    };
  }
  const width = Math.min(sourceWidth, even(cell.width / scale));
  const height = Math.min(sourceHeight, even(cell.height / scale));
  return {
    source: {
      x: 2 * Math.floor((sourceWidth - width) / 4),
      y: 2 * Math.floor(((sourceHeight - height) * CROP_ABOVE) / 2),
      width,
      height,
    },
    target: { ...cell },
  };
}
