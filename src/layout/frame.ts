/** The program as layouts see it: its shape, the part of it that tiles may take, and how rectangles become cells. */
import type { Cell } from './grid.ts';
import type { Subject } from './subjects.ts';

/** So much longer than the other side is no longer square. */
const SQUARE_RATIO = 1.2;

export type Shape = 'landscape' | 'portrait' | 'square';

export interface Frame {
  /** Pixels. */
  width: number;
  height: number;
  shape: Shape;
  /** The shorter side, pixels. */
  short: number;
  /** Between tiles, pixels, even. */
  gap: number;
  /** What tiles may take: the program less a gap on each side. */
  area: Cell;
}

/** One subject in its place, not yet styled. In painting order. */
export interface Placed {
  subject: Subject;
  cell: Cell;
}

export const evenDown = (value: number): number => 2 * Math.floor(value / 2);
/** The nearest even number. */
export const evenNear = (value: number): number => 2 * Math.round(value / 2);

/** `gap` is a fraction of the shorter side. */
export function frameOf(width: number, height: number, gap: number): Frame {
  const short = Math.min(width, height);
  const shape = width >= SQUARE_RATIO * height ? 'landscape' : height >= SQUARE_RATIO * width ? 'portrait' : 'square';
  const inset = evenNear(gap * short);
  const area = { x: inset, y: inset, width: evenDown(width - 2 * inset), height: evenDown(height - 2 * inset) };
  return { width, height, shape, short, gap: inset, area };
}

/** The largest even size of an aspect (width / height) between `min` and `max` that fits into a box. */
export function fitAspect(width: number, height: number, min: number, max: number): { width: number; height: number } {
  return {
    width: Math.max(2, evenDown(Math.min(width, height * max))),
    height: Math.max(2, evenDown(Math.min(height, width / min))),
  };
}

/** A cell of this size in the middle of a box. */
export function centred(box: Cell, width: number, height: number): Cell {
  return {
    x: box.x + evenDown((box.width - width) / 2),
    y: box.y + evenDown((box.height - height) / 2),
    width,
    height,
  };
}
