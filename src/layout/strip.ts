/**
 * A strip of small tiles along one side of the program: one line of them, or more lines where one would make them unreadable.
 *
 * A face in a tile that its camera covers is as tall as the tile allows, so what counts is a tile's shorter side: as few lines as
 * give tiles of a comfortable size, else the lines that give the largest.
 */

import { evenDown, fitAspect } from './frame.ts';
import type { Cell } from './grid.ts';

export interface StripRules {
  /** Where the strip is. `bottom`: lines are rows; `left`, `right`: lines are columns. */
  side: 'bottom' | 'left' | 'right';
  /** Greatest thickness of a single line, pixels. */
  one: number;
  /** Greatest thickness of several lines together, pixels; but a line may always be `least` thick. */
  more: number;
  least: number;
  /** No strip is thicker than this, pixels. */
  most: number;
  /** As few lines as give a tile this shorter side, pixels. */
  comfort: number;
  /** Narrowest and widest tile, width / height. */
  aspect: readonly [min: number, max: number];
}

export interface Strip {
  /** Pixels across, without the gap to the rest. */
  thickness: number;
  cells: Cell[];
}

interface Lines {
  lines: number;
  width: number;
  height: number;
}

/** The tiles' size when they stand in so many lines; null: the strip would be too thick. */
function tileSize(count: number, lines: number, along: number, gap: number, rules: StripRules): Lines | null {
  const perLine = Math.ceil(count / lines);
  const gaps = gap * (lines - 1);
  const thick = lines === 1 ? rules.one : Math.max((rules.more - gaps) / lines, rules.least);
  if (lines > 1 && thick * lines + gaps > rules.most) return null;
  const long = (along - gap * (perLine - 1)) / perLine;
  const [min, max] = rules.aspect;
  const size = rules.side === 'bottom' ? fitAspect(long, thick, min, max) : fitAspect(thick, long, min, max);
  return { lines, ...size };
}

function bestLines(count: number, along: number, gap: number, rules: StripRules): Lines {
  let best: Lines = { lines: 1, width: 2, height: 2 };
  for (let lines = 1; lines <= count; lines++) {
    const size = tileSize(count, lines, along, gap, rules);
    if (!size) break;
    const shorter = Math.min(size.width, size.height);
    if (shorter > Math.min(best.width, best.height)) best = size;
    if (shorter >= rules.comfort) break;
  }
  return best;
}

/** How many tiles each row has: rows of a strip at the bottom are as even as can be, in columns only the last row is short. */
function rowsOf(count: number, { lines }: Lines, side: StripRules['side']): number[] {
  if (side !== 'bottom') {
    const rows = Math.ceil(count / lines);
    return Array.from({ length: rows }, (_, i) => Math.min(lines, count - i * lines));
  }
  return Array.from({ length: lines }, (_, i) => Math.ceil((count - i) / lines));
}

/** Puts `count` tiles in reading order into a strip of `area`, in the middle of its side. No tile: no thickness. */
export function stripOf(count: number, area: Cell, gap: number, rules: StripRules): Strip {
  if (count === 0) return { thickness: 0, cells: [] };
  const bottom = rules.side === 'bottom';
  const best = bestLines(count, bottom ? area.width : area.height, gap, rules);
  const { width, height } = best;
  const rows = rowsOf(count, best, rules.side);
  const thickness = best.lines * (bottom ? height : width) + (best.lines - 1) * gap;
  const box: Cell = bottom
    ? { ...area, y: area.y + area.height - thickness, height: thickness }
    : { ...area, x: rules.side === 'right' ? area.x + area.width - thickness : area.x, width: thickness };
  const blockHeight = rows.length * height + (rows.length - 1) * gap;
  const top = box.y + evenDown((box.height - blockHeight) / 2);
  const cells = rows.flatMap((inRow, row) => {
    const left = box.x + evenDown((box.width - inRow * width - (inRow - 1) * gap) / 2);
    return Array.from({ length: inRow }, (_, column) => ({
      x: left + column * (width + gap),
      y: top + row * (height + gap),
      width,
      height,
    }));
  });
  return { thickness, cells };
}
