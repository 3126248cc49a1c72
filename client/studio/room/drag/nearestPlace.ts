import type { Cell } from '../../../../src/layout/grid.ts';

/** How far a point is from a cell, 0 inside it, squared. */
function distance({ x, y, width, height }: Cell, atX: number, atY: number): number {
  const dx = Math.max(x - atX, 0, atX - x - width);
  const dy = Math.max(y - atY, 0, atY - y - height);
  return dx * dx + dy * dy;
}

/** The cell that a point is in, or the one that it is nearest to; -1 where there is none. Pure. */
export function nearestPlace(cells: readonly Cell[], x: number, y: number): number {
  let nearest = -1;
  let least = Number.POSITIVE_INFINITY;
  cells.forEach((cell, i) => {
    const far = distance(cell, x, y);
    if (far >= least) return;
    nearest = i;
    least = far;
  });
  return nearest;
}
