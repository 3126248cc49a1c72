import { type DegradationStep, degradesTo } from '../contracts/degradation.ts';
import type { Tile } from './tiles.ts';

export interface Size {
  width: number;
  height: number;
}

/** Under pressure a source that is seen at this share of the program's area or less is sent in a lower layer: one of four in a grid is. */
const SMALL_TILE_SHARE = 0.25;

/**
 * The size at which each source is asked for; absent: not seen. It is that of its tile, the largest where it is seen twice, and from
 * `lower-layers` on half of that in both directions where it is small. Compositor and controller both work it out, so that a new
 * job does not undo a step.
 */
export function askedSizes(
  tiles: readonly Pick<Tile, 'source' | 'cell'>[],
  program: Size,
  step: DegradationStep,
): Record<string, Size> {
  const seen: Record<string, Size> = {};
  for (const { source, cell } of tiles) {
    if (source === null) continue;
    const known = seen[source] ?? { width: 0, height: 0 };
    seen[source] = { width: Math.max(known.width, cell.width), height: Math.max(known.height, cell.height) };
  }
  if (!degradesTo(step, 'lower-layers')) return seen;
  const small = SMALL_TILE_SHARE * program.width * program.height;
  for (const [source, { width, height }] of Object.entries(seen)) {
    if (width * height <= small) seen[source] = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  }
  return seen;
}
