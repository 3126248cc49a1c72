/**
 * How one arrangement becomes another. In: the tiles before and after a change, and how far it is; out: tiles with opacity, in painting
 * order, for one frame. Pure, and a function of the grid: a compositor that takes over in the middle draws the same.
 *
 * - A tile of the same key goes from cell to cell (position, size, radius, border). What it shows is that of `to` from the first frame on:
 *   a camera that was switched off has no picture to fade from, and a placeholder must not wait.
 * - Tiles only in `to` fade in at their place, those only in `from` fade out at theirs. A source of those may be gone already: who
 *   paints has its last picture, or the placeholder.
 * - A leaving tile that an arriving one will cover wholly stays opaque beneath it, so that a cross-fade does not dip into the background;
 *   not one that stands in front of what stays.
 * - What will overlap at the end, or does at the beginning, is painted in that arrangement's order; where the two contradict each other
 *   (a `pip` whose pictures change places), the order changes in the middle, when both have the same cell. All else: a tile
 *   that grows is in front of one that shrinks, what leaves is behind.
 */
import type { Transition } from '../contracts/scene.ts';
import { evenDown, evenNear } from './frame.ts';
import type { Cell } from './grid.ts';
import type { Tile } from './tiles.ts';

export interface MovingTile extends Tile {
  /** 0 to 1. */
  opacity: number;
}

/** A tile that stands still, or one of a change that another change interrupts. */
export type StartTile = Tile & { opacity?: number };

/** Frames of a transition between the last one before the change and the first one at rest. */
export function transitionFrames({ type, ms }: Transition, fps: number): number {
  return type === 'cut' ? 0 : Math.round((ms * fps) / 1000);
}

/**
 * How far a change that holds from `fromFrame` is at `frame`: 0 before it, more than 0 at `fromFrame` (the first frame shows it already),
 * 1 from `ms` after it on.
 */
export function phaseAt(frame: number, fromFrame: number, fps: number, transition: Transition): number {
  if (frame < fromFrame) return 0;
  return Math.min(1, (frame - fromFrame + 1) / (transitionFrames(transition, fps) + 1));
}

/** Starts and ends softly (smoothstep). */
const ease = (phase: number): number => phase * phase * (3 - 2 * phase);
const mix = (from: number, to: number, part: number): number => from + (to - from) * part;

/** Both sides and their sum shrink to even numbers, so the cell is within the program wherever both ends are. */
function mixCells(from: Cell, to: Cell, part: number): Cell {
  const side = (name: keyof Cell) => evenDown(mix(from[name], to[name], part));
  return { x: side('x'), y: side('y'), width: side('width'), height: side('height') };
}

function mixBorders(from: Tile['border'], to: Tile['border'], part: number): Tile['border'] {
  const color = (to ?? from)?.color;
  const width = evenNear(mix(from?.width ?? 0, to?.width ?? 0, part));
  return color === undefined || width === 0 ? null : { width, color };
}

/** Nothing shines through: a picture or placeholder that fills its cell to the corners. */
const opaque = (tile: Tile): boolean => tile.radius === 0 && tile.fit === 'cover';

const within = (inner: Cell, outer: Cell): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;

const overlap = (a: Cell, b: Cell): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** A tile of either arrangement, or of both. */
interface Move {
  tile: MovingTile;
  from: { cell: Cell; place: number } | null;
  to: { cell: Cell; place: number } | null;
  /** Painted earlier when lower, as far as nothing else decides. */
  rank: number;
}

/** Leaving (-1), then staying and arriving by how much they grow. */
const growth = (from: Cell, to: Cell): number => (to.width * to.height) / (from.width * from.height);

function movesOf(from: readonly StartTile[], to: readonly Tile[], part: number): Move[] {
  const after = new Map(to.map((tile, place) => [tile.key, { cell: tile.cell, place, tile }]));
  const before = new Map(from.map((tile, place) => [tile.key, { cell: tile.cell, place, tile }]));
  const arriving = to.filter((tile) => !before.has(tile.key));
  const leaving = from.flatMap((tile, place): Move[] => {
    if (after.has(tile.key)) return [];
    const stands = from.slice(0, place).some((other) => after.has(other.key) && overlap(other.cell, tile.cell));
    const covered = !stands && arriving.some((other) => opaque(other) && within(tile.cell, other.cell));
    const opacity = mix(tile.opacity ?? 1, covered ? (tile.opacity ?? 1) : 0, part);
    return [{ tile: { ...tile, opacity }, from: { cell: tile.cell, place }, to: null, rank: -1 }];
  });
  const present = to.map((tile, place): Move => {
    const start = before.get(tile.key);
    const end = { cell: tile.cell, place };
    if (!start) return { tile: { ...tile, opacity: part }, from: null, to: end, rank: 1 };
    const cell = mixCells(start.cell, tile.cell, part);
    const moving: MovingTile = {
      ...tile,
      cell,
      radius: Math.min(mix(start.tile.radius, tile.radius, part), cell.width / 2, cell.height / 2),
      border: mixBorders(start.tile.border, tile.border, part),
      opacity: mix(start.tile.opacity ?? 1, 1, part),
    };
    return { tile: moving, from: start, to: end, rank: growth(start.cell, tile.cell) };
  });
  return [...leaving, ...present];
}

/** Whether `a` must be painted before `b`. */
function mustPrecede(a: Move, b: Move, secondHalf: boolean): boolean {
  const ends = secondHalf ? (['to', 'from'] as const) : (['from', 'to'] as const);
  for (const end of ends) {
    const [x, y] = [a[end], b[end]];
    if (x && y && overlap(x.cell, y.cell)) return x.place < y.place;
  }
  return false;
}

/** The lowest rank first, but nothing before what it must follow. Should three ends contradict each other in a ring, rank decides. */
function inPaintingOrder(moves: readonly Move[], secondHalf: boolean): MovingTile[] {
  const waiting = [...moves].sort((a, b) => a.rank - b.rank);
  const painted: MovingTile[] = [];
  while (waiting.length > 0) {
    const free = waiting.findIndex((move) => !waiting.some((other) => mustPrecede(other, move, secondHalf)));
    painted.push(...waiting.splice(Math.max(0, free), 1).map(({ tile }) => tile));
  }
  return painted;
}

/** The tiles at `phase` (0: `from`, 1: `to`) of the change from one arrangement to the other, in painting order. */
export function between(from: readonly StartTile[], to: readonly Tile[], phase: number): MovingTile[] {
  if (phase <= 0) return from.map((tile) => ({ ...tile, opacity: tile.opacity ?? 1 }));
  if (phase >= 1) return to.map((tile) => ({ ...tile, opacity: 1 }));
  return inPaintingOrder(movesOf(from, to, ease(phase)), phase >= 0.5);
}
