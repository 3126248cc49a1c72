/**
 * The corners of tiles, as coverage. A tile has an outer contour and, inside its border, an inner one; both are rounded.
 * Only the upper left corner is kept: the others are its mirror images.
 */
import { evenDown, evenUp } from './rects.ts';

/** Coverage 0…255 of one corner, for samples of luma and of chroma (the mean of four of luma). */
interface Coverage {
  luma: Uint8Array;
  chroma: Uint8Array;
}

export interface CornerMask {
  /** Side of the corner's square in pixels, even; 0: nothing is rounded and there is no border. */
  size: number;
  /** What belongs to the tile. */
  outer: Coverage;
  /** What belongs to its picture. */
  inner: Coverage;
}

/** While tiles move, each frame has radii of its own. */
const MAX_MASKS = 64;
const masks = new Map<string, CornerMask>();

/**
 * @param radius pixels, at most half of the shorter side of the tile
 * @param border its width in pixels, even
 */
export function cornerMask(radius: number, border: number, width: number, height: number): CornerMask {
  const limit = evenDown(Math.min(width, height) / 2);
  const r = Math.min(radius, limit);
  const key = `${r.toFixed(2)},${border},${limit}`;
  const known = masks.get(key);
  if (known) return known;
  const size = Math.min(limit, evenUp(Math.max(r, border)));
  const outer = coverageOf(size, (x, y) => rounded(x, y, r, r));
  const inner = coverageOf(size, (x, y) =>
    r > border ? rounded(x, y, r, r - border) : Math.min(inset(x, border), inset(y, border)),
  );
  const mask = { size, outer, inner };
  masks.set(key, mask);
  const oldest = masks.keys().next();
  if (masks.size > MAX_MASKS && !oldest.done) masks.delete(oldest.value);
  return mask;
}

/** How much of the pixel at (x, y) is inside an arc of `radius` around (`center`, `center`). */
function rounded(x: number, y: number, center: number, radius: number): number {
  const [dx, dy] = [center - x - 0.5, center - y - 0.5];
  if (dx <= 0 || dy <= 0) return Math.min(inset(x, center - radius), inset(y, center - radius));
  return clamp(radius - Math.hypot(dx, dy) + 0.5);
}

const inset = (at: number, border: number): number => clamp(at + 1 - border);
const clamp = (value: number): number => Math.min(1, Math.max(0, value));

function coverageOf(size: number, at: (x: number, y: number) => number): Coverage {
  const luma = new Uint8Array(size * size);
  const half = size / 2;
  const chroma = new Uint8Array(half * half);
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) luma[y * size + x] = Math.round(255 * at(x, y));
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      const i = 2 * y * size + 2 * x;
      const sum = (luma[i] ?? 0) + (luma[i + 1] ?? 0) + (luma[i + size] ?? 0) + (luma[i + size + 1] ?? 0);
      chroma[y * half + x] = (sum + 2) >> 2;
    }
  }
  return { luma, chroma };
}
