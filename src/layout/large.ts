/** Layouts with one large place and the others in a strip: speaker, sidebar, screen. */
import { centred, type Frame, fitAspect, type Placed, type Shape } from './frame.ts';
import type { Cell } from './grid.ts';
import { type StripRules, stripOf } from './strip.ts';
import { isScreen, type Subject } from './subjects.ts';

/** No wider than cameras are: a wider cell would cut off heads. */
const WIDEST = 16 / 9;
/** A shared screen is about as wide as this or wider; a wider one leaves thin bars above and below. */
const SCREEN_ASPECT = 16 / 10;

/** Tiles of a strip: nearly as wide as cameras in landscape; squarer where width is dear. */
const ASPECT: Readonly<Record<Shape, StripRules['aspect']>> = {
  landscape: [3 / 2, WIDEST],
  square: [1, WIDEST],
  portrait: [3 / 4, WIDEST],
};
/** The shorter side of a strip's tile from which another line is not worth its place, of the program's shorter side. */
const COMFORT: Readonly<Record<Shape, number>> = { landscape: 1 / 8, square: 1 / 6, portrait: 0.19 };
/** Several lines together, of the side that they take from. */
const SEVERAL_LINES: Readonly<Record<Shape, number>> = { landscape: 1 / 4, square: 1 / 3, portrait: 1 / 3 };
/** A line of a strip of several is never forced below this, of the program's shorter side… */
const LEAST = 1 / 8;
/** …unless the strip would take more than this of its side. */
const MOST = 1 / 2;

/** One line of the strip, of the side that it takes from: a strip of small tiles, and one of larger ones. */
const SMALL_LINE = 1 / 5;
const LARGE_LINE = 1 / 4;

function rulesFor(frame: Frame, side: StripRules['side'], line: number): StripRules {
  const across = side === 'bottom' ? frame.area.height : frame.area.width;
  const several = Math.max(line, SEVERAL_LINES[frame.shape]);
  return {
    side,
    one: across * line,
    more: across * several,
    least: frame.short * LEAST,
    most: across * MOST,
    comfort: frame.short * COMFORT[frame.shape],
    aspect: ASPECT[frame.shape],
  };
}

/** What a strip leaves of the area. */
function beside({ area, gap }: Frame, side: StripRules['side'], thickness: number): Cell {
  if (thickness === 0) return area;
  const taken = thickness + gap;
  if (side === 'bottom') return { ...area, height: area.height - taken };
  return { ...area, x: side === 'left' ? area.x + taken : area.x, width: area.width - taken };
}

/** A screen takes all there is, whatever its shape; a person no more than what leaves the head on. Alone: everything. */
function largeCell(subject: Subject, box: Cell, alone: boolean): Cell {
  if (alone || isScreen(subject)) return box;
  const { width, height } = fitAspect(box.width, box.height, 0.01, WIDEST);
  return centred(box, width, height);
}

/** `rest` keeps its order; the large one is first. */
function largeAndStrip(large: Subject, rest: readonly Subject[], frame: Frame, rules: StripRules): Placed[] {
  const strip = stripOf(rest.length, frame.area, frame.gap, rules);
  const box = beside(frame, rules.side, strip.thickness);
  return [
    { subject: large, cell: largeCell(large, box, rest.length === 0) },
    ...strip.cells.flatMap((cell, i) => {
      const subject = rest[i];
      return subject ? [{ subject, cell }] : [];
    }),
  ];
}

/**
 * The strip is at the bottom, whatever the shape: the large picture is as wide as it can be. A screen in the large place of a program
 * that is no wider than it stands as in `screen`: all else would be bars.
 */
export const speakerLayout = (large: Subject, rest: readonly Subject[], frame: Frame): Placed[] =>
  frame.shape !== 'landscape' && isScreen(large)
    ? screenLayout(large, rest, frame)
    : largeAndStrip(large, rest, frame, rulesFor(frame, 'bottom', SMALL_LINE));

/** The column's tiles are larger than those of `speaker`; in portrait there is no room beside a picture: rows below it. */
export function sidebarLayout(
  large: Subject,
  rest: readonly Subject[],
  frame: Frame,
  side: 'left' | 'right',
): Placed[] {
  if (frame.shape !== 'portrait') return largeAndStrip(large, rest, frame, rulesFor(frame, side, LARGE_LINE));
  if (isScreen(large)) return screenLayout(large, rest, frame);
  return largeAndStrip(large, rest, frame, rulesFor(frame, 'bottom', LARGE_LINE));
}

/**
 * Landscape: as much screen as there can be, people in a narrow column beside it. Else the screen is as tall as its width asks for and
 * people have all that is left, in the lines that make them largest; one person alone has no more than half.
 */
export function screenLayout(screen: Subject, rest: readonly Subject[], frame: Frame): Placed[] {
  if (frame.shape === 'landscape') return largeAndStrip(screen, rest, frame, rulesFor(frame, 'right', SMALL_LINE));
  const { area, gap } = frame;
  const left = area.height - gap - area.width / SCREEN_ASPECT;
  const band = Math.min(left, rest.length === 1 ? (area.height - gap) / 2 : left);
  return largeAndStrip(screen, rest, frame, {
    ...rulesFor(frame, 'bottom', SMALL_LINE),
    one: band,
    more: band,
    least: 0,
    most: band,
    comfort: Number.POSITIVE_INFINITY,
  });
}
