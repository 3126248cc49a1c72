/** Lower third and captions: what lies over the whole program. */
import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Overlay } from './Overlay.ts';
import { evenUp } from './rects.ts';
import { drawnOverlay } from './sprites.ts';
import { fitted, fontOf, isRightToLeft, measure, oneLine, wrapped } from './text.ts';

/** Sizes of text, of the program's shorter side. */
const TITLE_SIZE = 0.048;
const SUBTITLE_SIZE = 0.03;
/** A long caption gets smaller before it is cut. */
const CAPTION_SIZES = [0.043, 0.037, 0.031] as const;
const CAPTION_LINES = 2;
const CAPTION_LEADING = 1.32;

const PANEL = '#101a36';
const STRIP = '#f4f6fb';
const STRIP_TEXT = '#18223c';
const CAPTION_GROUND = '#05070b';

/** The banner: the title on a dark panel with a band of colour, the subtitle on a light strip below. */
export function drawLowerThird(title: string, subtitle: string, unit: number, maxWidth: number): Overlay {
  const size = Math.round(unit * TITLE_SIZE);
  const small = Math.round(unit * SUBTITLE_SIZE);
  const band = evenUp(size * 0.24);
  const padding = Math.round(size * 0.55);
  const room = maxWidth - band - 2 * padding;
  const line = fitted(measure(title, size, 600), oneLine(title), room);
  const width = evenUp(band + 2 * padding + measure(title, size, 600).measureText(line).width);
  const second = oneLine(subtitle) && fitted(measure(subtitle, small, 600), oneLine(subtitle), room);
  const stripWidth = second ? evenUp(band + 2 * padding + measure(subtitle, small, 600).measureText(second).width) : 0;
  const panelHeight = evenUp(size * 1.62);
  const stripHeight = second ? evenUp(small * 1.66) : 0;
  const [w, h] = [Math.max(width, stripWidth), panelHeight + stripHeight];
  return drawnOverlay(w, h, (context) => {
    context.fillStyle = PANEL;
    context.fillRect(0, 0, width, panelHeight);
    if (second) {
      context.fillStyle = STRIP;
      context.fillRect(0, panelHeight, stripWidth, stripHeight);
    }
    const colors = context.createLinearGradient(0, 0, 0, h);
    colors.addColorStop(0, 'hsl(226 90% 64%)');
    colors.addColorStop(1, 'hsl(322 80% 60%)');
    context.fillStyle = colors;
    context.fillRect(0, 0, band, h);
    const left = band + padding;
    text(context, line, size, '#ffffff', left, width - padding, panelHeight * 0.5 + size * 0.36);
    if (second) {
      const base = panelHeight + stripHeight * 0.5 + small * 0.36;
      text(context, second, small, STRIP_TEXT, left, stripWidth - padding, base);
    }
  });
}

/** At the left, or at the right where it reads from there. */
function text(
  context: SKRSContext2D,
  line: string,
  size: number,
  color: string,
  left: number,
  right: number,
  baseline: number,
): void {
  const fromRight = isRightToLeft(line);
  context.font = fontOf(size, 600);
  context.fillStyle = color;
  context.textBaseline = 'alphabetic';
  context.direction = fromRight ? 'rtl' : 'ltr';
  context.textAlign = fromRight ? 'right' : 'left';
  context.fillText(line, fromRight ? right : left, baseline);
}

/** White on black, as captions on television are: legible over anything. */
export function drawCaptions(words: string, unit: number, maxWidth: number): Overlay {
  const { lines, size } = captionLines(oneLine(words), unit, maxWidth);
  const leading = Math.round(size * CAPTION_LEADING);
  const padding = { x: Math.round(size * 0.6), y: Math.round(size * 0.22) };
  const context = measure(words, size, 600);
  const widest = Math.max(...lines.map((line) => context.measureText(line).width));
  const width = evenUp(widest + 2 * padding.x);
  const height = evenUp(lines.length * leading + 2 * padding.y);
  return drawnOverlay(width, height, (context) => {
    context.fillStyle = CAPTION_GROUND;
    context.beginPath();
    context.roundRect(0, 0, width, height, size * 0.2);
    context.fill();
    context.font = fontOf(size, 600);
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    context.direction = isRightToLeft(words) ? 'rtl' : 'ltr';
    context.fillStyle = '#ffffff';
    lines.forEach((line, i) => {
      context.fillText(line, width / 2, padding.y + leading * (i + 0.5) + size * 0.36);
    });
  });
}

/** The height of captions with all their lines: what is above them keeps clear of it. */
export function captionsHeight(unit: number): number {
  const size = Math.round(unit * CAPTION_SIZES[0]);
  return evenUp(CAPTION_LINES * Math.round(size * CAPTION_LEADING) + 2 * Math.round(size * 0.22));
}

/** The largest size at which the text fits into its lines; the lines are about equally long. */
function captionLines(words: string, unit: number, maxWidth: number): { lines: string[]; size: number } {
  let found = { lines: [''], size: 0 };
  for (const fraction of CAPTION_SIZES) {
    const size = Math.round(unit * fraction);
    const context = measure(words, size, 600);
    const room = maxWidth - 2 * Math.round(size * 0.6);
    const all = wrapped(context, words, room, CAPTION_LINES + 1);
    found = { lines: all.length > CAPTION_LINES ? wrapped(context, words, room, CAPTION_LINES) : all, size };
    if (all.length > CAPTION_LINES) continue;
    // One long line and one word look poor: the narrowest room that needs no further line.
    for (let narrower = room * 0.95; narrower > room * 0.5; narrower -= room * 0.05) {
      const lines = wrapped(context, words, narrower, CAPTION_LINES + 1);
      if (lines.length > all.length) break;
      found.lines = lines;
    }
    break;
  }
  return found;
}
