/**
 * How far two pictures are apart, by blocks: in: RGBA of the same size; out: the mean and the largest difference of the blocks' mean
 * colours. Blurred edges and a codec's grain stay inside a block; a moved tile, a missing label or another colour does not.
 */
import type { SmallPicture } from '../../../scripts/layouts/render.ts';

/** Side of a block in pixels: about the height of the smallest label. */
export const BLOCK = 8;

export interface Difference {
  /** Of all blocks, 0…255. */
  mean: number;
  /** Of the block and colour channel that differ most, 0…255. */
  max: number;
  /** That block's upper left corner. */
  at: { x: number; y: number };
}

export function compare(a: SmallPicture, b: SmallPicture): Difference {
  if (a.width !== b.width || a.height !== b.height) return { mean: 255, max: 255, at: { x: 0, y: 0 } };
  let sum = 0;
  let count = 0;
  const worst = { max: 0, at: { x: 0, y: 0 } };
  for (let y = 0; y < a.height; y += BLOCK) {
    for (let x = 0; x < a.width; x += BLOCK) {
      const [first, second] = [blockMean(a, x, y), blockMean(b, x, y)];
      const difference = Math.max(...first.map((value, i) => Math.abs(value - (second[i] ?? 0))));
      sum += difference;
      count++;
      if (difference > worst.max) Object.assign(worst, { max: difference, at: { x, y } });
    }
  }
  return { mean: sum / count, ...worst };
}

/** Mean red, green and blue; at the edges blocks are smaller. */
function blockMean({ width, height, pixels }: SmallPicture, left: number, top: number): number[] {
  const sums = [0, 0, 0];
  const right = Math.min(width, left + BLOCK);
  const bottom = Math.min(height, top + BLOCK);
  for (let y = top; y < bottom; y++) {
    for (let at = (y * width + left) * 4; at < (y * width + right) * 4; at += 4) {
      for (let c = 0; c < 3; c++) sums[c] = (sums[c] ?? 0) + (pixels[at + c] ?? 0);
    }
  }
  return sums.map((value) => value / ((right - left) * (bottom - top)));
}
