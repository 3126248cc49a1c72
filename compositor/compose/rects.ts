/** Rectangles of the canvas: all even, so that each falls on whole chroma samples. */
import type { Cell } from '../../src/layout/grid.ts';

export const evenDown = (value: number): number => 2 * Math.floor(value / 2);
export const evenUp = (value: number): number => 2 * Math.ceil(value / 2);

/** What two rectangles have in common; null: nothing. */
export function intersection(a: Cell, b: Cell): Cell | null {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

export const sameRect = (a: Cell, b: Cell): boolean =>
  a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
