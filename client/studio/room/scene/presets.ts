/** Layouts of our own beside those of the contract: rectangles, by places in the order of all tiles. Pure. */
import type { CustomTile, Layout } from '../../../../src/contracts/scene.ts';

export type PresetId = 'news' | 'cinema' | 'presenter' | 'trio';

const tile = (show: number, x: number, y: number, width: number, height: number, more: Partial<CustomTile> = {}) => ({
  ...{ show, x, y, width, height, z: 0 },
  ...more,
});
const custom = (...tiles: CustomTile[]): Layout => ({ type: 'custom', tiles });
const LINE = { width: 0.004, color: '#ffffff' };

export const PRESETS: readonly { id: PresetId; layout: Layout }[] = [
  /** Two side by side as in the news, with the background around them and place for a lower third. */
  {
    id: 'news',
    layout: custom(
      tile(0, 0.04, 0.16, 0.45, 0.6, { radius: 0.04, border: LINE }),
      tile(1, 0.51, 0.16, 0.45, 0.6, { radius: 0.04, border: LINE }),
    ),
  },
  /** One fills the picture, up to four more along its foot. */
  {
    id: 'cinema',
    layout: custom(
      tile(0, 0, 0, 1, 1),
      ...[1, 2, 3, 4].map((show, i) =>
        tile(show, 0.03 + i * 0.24, 0.75, 0.22, 0.22, { z: 1, radius: 0.08, border: LINE }),
      ),
    ),
  },
  /** A screen (or whoever is first) whole, who presents it in a disc over its corner. */
  {
    id: 'presenter',
    layout: custom(
      tile(0, 0, 0, 1, 1),
      tile(1, 0.81, 0.66, 0.16875, 0.3, { z: 1, radius: 0.5, border: LINE, fit: 'cover' }),
    ),
  },
  /** One above, two below. */
  {
    id: 'trio',
    layout: custom(
      tile(0, 0.21, 0.02, 0.58, 0.55),
      tile(1, 0.02, 0.59, 0.475, 0.39),
      tile(2, 0.505, 0.59, 0.475, 0.39),
    ),
  },
];

/** As JSON: what the server answers has every field, what a page made has those that it set. */
export function isSameLayout(a: Layout, b: Layout): boolean {
  return a.type === b.type && JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
