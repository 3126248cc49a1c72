/** The label of a tile: name, an optional title below it, and a crossed-out microphone. On an opaque ground, which is cheap to draw. */
import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Cell } from '../../src/layout/grid.ts';
import type { Overlay } from './Overlay.ts';
import { evenDown, evenUp, intersection } from './rects.ts';
import { drawnOverlay } from './sprites.ts';
import { fitted, fontOf, isRightToLeft, measure, oneLine } from './text.ts';

export interface LabelText {
  /** Empty: only the mark. */
  name: string;
  title: string;
  muted: boolean;
}

const GROUND = '#0d1017';
const NAME_COLOR = '#ffffff';
const TITLE_COLOR = '#b9c2d0';
const MUTED_COLOR = '#ff6b6b';
/** Of the size of the name. */
const TITLE_SIZE = 0.76;
const LATIN_DESCENT = 0.24;

/** A title stands under the name only in a tile that is this many times as high as the label. */
const TITLED_TILE = 3.2;

/** Of a name, in pixels: larger in larger tiles, but a name is read from the same distance in all of them. */
export function labelSize(cell: Cell, unit: number): number {
  return Math.max(11, Math.round(0.0185 * unit + 0.019 * Math.min(cell.width, cell.height)));
}

/** Whether a label with a title leaves enough of the tile free. */
export const hasRoomForTitle = (cell: Cell, size: number): boolean => cell.height >= TITLED_TILE * titledHeight(size);

const lineHeight = (size: number): number => size * 1.62;
const titledHeight = (size: number): number => lineHeight(size) + Math.round(size * TITLE_SIZE) * 1.25;

/** null: there is nothing to say, or no room. */
export function drawLabel({ name, title, muted }: LabelText, size: number, maxWidth: number): Overlay | null {
  const padding = Math.round(size * 0.5);
  const icon = muted ? Math.round(size * 1.05) : 0;
  const gap = muted && name ? Math.round(size * 0.35) : 0;
  const room = maxWidth - 2 * padding - icon - gap;
  if ((!name && !muted) || room < (name ? size : 0)) return null;
  const titleSize = Math.round(size * TITLE_SIZE);
  const titled = name !== '' && title !== '';
  const nameLine = name && fitted(measure(name, size, 600), oneLine(name), room);
  const nameBox = measure(name, size, 600).measureText(nameLine);
  const titleLine = titled ? fitted(measure(title, titleSize, 400), oneLine(title), room) : '';
  const titleWidth = titled ? measure(title, titleSize, 400).measureText(titleLine).width : 0;
  const textWidth = Math.ceil(Math.max(nameBox.width, titleWidth));
  const width = evenUp(2 * padding + icon + gap + textWidth);
  const line = lineHeight(size);
  // Some scripts reach far below the line, Arabic for one.
  const below = Math.max(0, nameBox.actualBoundingBoxDescent - size * LATIN_DESCENT);
  const height = evenUp(titled ? titledHeight(size) + below : line);
  const right = isRightToLeft(nameLine);
  return drawnOverlay(width, height, (context) => {
    context.fillStyle = GROUND;
    context.beginPath();
    context.roundRect(0, 0, width, height, size * 0.32);
    context.fill();
    context.textBaseline = 'alphabetic';
    context.textAlign = right ? 'right' : 'left';
    context.direction = right ? 'rtl' : 'ltr';
    // What reads from the right has its mark on the right, too.
    const x = right ? width - padding - icon - gap : padding + icon + gap;
    if (muted) drawMuted(context, right ? width - padding - icon : padding, (line - icon) / 2, icon);
    context.fillStyle = NAME_COLOR;
    context.font = fontOf(size, 600);
    context.fillText(nameLine, x, line * 0.5 + size * 0.33);
    if (!titled) return;
    context.fillStyle = TITLE_COLOR;
    context.font = fontOf(titleSize, 400);
    context.fillText(titleLine, x, line * 0.93 + titleSize * 0.72 + below);
  });
}

/** A microphone with a stroke through it, in a square. */
function drawMuted(context: SKRSContext2D, x: number, y: number, side: number): void {
  const u = side / 24;
  context.save();
  context.translate(x, y);
  context.scale(u, u);
  context.strokeStyle = MUTED_COLOR;
  context.fillStyle = MUTED_COLOR;
  context.lineCap = 'round';
  context.lineWidth = 2.4;
  context.beginPath();
  context.roundRect(8.2, 2, 7.6, 12.4, 3.8);
  context.fill();
  context.beginPath();
  context.arc(12, 11, 7.2, 0, Math.PI);
  context.moveTo(12, 18.2);
  context.lineTo(12, 22);
  context.stroke();
  // The stroke, with a gap on both sides, so that it is seen on the microphone.
  for (const [color, width] of [
    [GROUND, 6.4],
    [MUTED_COLOR, 2.6],
  ] as const) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(3, 2.5);
    context.lineTo(21, 21.5);
    context.stroke();
  }
  context.restore();
}

interface Size {
  width: number;
  height: number;
}

/** In rounded corners a label keeps inside the arc: of the radius, 1 − 1/√2. */
const ARC_INSET = 0.293;
/** A tile with corners this round, of its shorter side, has no corner for a label: there it stands in the middle. */
const ROUND = 0.3;

/**
 * From the tile's edges, pixels: clear of the mark of who speaks, and of round corners. Small tiles have small margins, so that less of
 * the picture is covered.
 */
export function labelMargin({ width, height }: Size, size: number, radius: number): number {
  const short = Math.min(width, height);
  return evenUp(Math.max(Math.min(size * 0.55, short * 0.085), radius * ARC_INSET + 2));
}

/** How far above the tile's bottom a label stands: in the middle of a disc it goes as low as its corners are inside. */
export function labelDrop(tile: Size, { width }: Size, margin: number, radius: number): number {
  if (!isRound(tile, radius)) return margin;
  const over = Math.min(radius, Math.max(0, width / 2 - (tile.width / 2 - radius)));
  return evenUp(Math.max(Math.min(tile.width, tile.height) * 0.06, radius - Math.sqrt(radius ** 2 - over ** 2)));
}

const isRound = ({ width, height }: Size, radius: number): boolean => radius >= ROUND * Math.min(width, height);

/** What a label goes into. */
export interface LabelPlace {
  /** All of the tile, and what is seen of it: less the bars of a picture that does not fill it. */
  cell: Cell;
  area: Cell;
  radius: number;
  margin: number;
}

/**
 * Where a label goes: in the bar below a screen, where it hides nothing; else at the picture's lower left. Where a title, a caption, a
 * logo or a tile in front is: above what is in its way, else at the upper left.
 */
export function placeLabel(place: LabelPlace, label: Size, obstacles: readonly Cell[]): { x: number; y: number } {
  const { cell, area, radius, margin } = place;
  const { width, height } = label;
  const x = isRound(area, radius) ? area.x + evenDown((area.width - width) / 2) : area.x + margin;
  const bottom = area.y + area.height;
  const bar = cell.y + cell.height - bottom;
  const lowest = bottom - labelDrop(area, label, margin, radius) - height;
  const inBar = bar >= height + 4 ? [bottom + Math.min(margin, (bar - height) / 2)] : [];
  const highest = area.y + margin;
  const clear = margin / 2;
  const inTheWay = (y: number) =>
    obstacles.filter((o) => intersection(o, { x, y: y - clear, width: width + clear, height: height + 2 * clear }));
  const tops = inTheWay(lowest).map((obstacle) => obstacle.y);
  const above = tops.length > 0 ? [Math.min(...tops) - height - margin] : [];
  const places = [...inBar, lowest, ...above, highest].map(evenDown);
  const found = places.find((y) => y >= cell.y && inTheWay(y).length === 0) ?? evenDown(lowest);
  return { x, y: Math.max(cell.y, found) };
}
