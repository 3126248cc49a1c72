/**
 * The pictures that no camera makes: the placeholder tile of a person without one, and the slate of an empty room. Drawn
 * once per change with @napi-rs/canvas, then kept as planes.
 */
import { createCanvas, type SKRSContext2D } from '@napi-rs/canvas';
import {
  AV_PIX_FMT_RGBA,
  AV_PIX_FMT_YUV420P,
  FFmpegError,
  SoftwareScaleContext,
  SWS_ACCURATE_RND,
  SWS_AREA,
  type SwsFlags,
} from 'node-av';
import type { Sprite } from './Canvas.ts';
import { hueOf } from './color.ts';
import { FONT_FAMILY, loadFontsFor } from './fonts.ts';

export const DEFAULT_SLATE_TEXT = 'We will be right back';

/** Rows of a sprite are padded to this: the scaler's SIMD writes whole vectors past the width. */
const STRIDE_ALIGN = 64;

const ELLIPSIS = '…';

/** One or two letters for a name: first and last word; the first character of a name without spaces in Han, Kana or Hangul. */
export function initialsOf(name: string): string {
  const graphemes = (text: string) => [...new Intl.Segmenter().segment(text)].map((s) => s.segment);
  const words = name
    .trim()
    .split(/\s+/u)
    .map((word) => word.replace(/^[^\p{L}\p{N}]+/u, ''))
    .filter(Boolean);
  const first = graphemes(words[0] ?? '')[0];
  if (!first) return graphemes(name.trim())[0] ?? '?';
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(first)) return first;
  const last = words.length > 1 ? (graphemes(words.at(-1) ?? '')[0] ?? '') : '';
  return (first + last).toLocaleUpperCase();
}

/** A planar sprite with rows that a scaler may write into. */
export function emptySprite(width: number, height: number): Sprite {
  const stride = (w: number) => Math.ceil(w / STRIDE_ALIGN) * STRIDE_ALIGN;
  const [luma, chroma] = [stride(width), stride(width / 2)];
  // One more row: vectors written past the end of the last one.
  const plane = (rowBytes: number, rows: number) => Buffer.alloc(rowBytes * (rows + 1));
  return {
    width,
    height,
    planes: [plane(luma, height), plane(chroma, height / 2), plane(chroma, height / 2)],
    strides: [luma, chroma, chroma],
  };
}

/** RGB (sRGB) → BT.601 limited range, 4:2:0. */
function spriteOf(rgba: Buffer, width: number, height: number): Sprite {
  const sprite = emptySprite(width, height);
  const scaler = new SoftwareScaleContext();
  scaler.getContext(
    width,
    height,
    AV_PIX_FMT_RGBA,
    width,
    height,
    AV_PIX_FMT_YUV420P,
    (SWS_AREA | SWS_ACCURATE_RND) as SwsFlags,
  );
  const rows = scaler.scaleSync([rgba], [width * 4], 0, height, [...sprite.planes], [...sprite.strides]);
  FFmpegError.throwIfError(rows, 'card to planes');
  scaler.freeContext();
  return sprite;
}

function draw(width: number, height: number, paint: (context: SKRSContext2D) => void): Sprite {
  const canvas = createCanvas(width, height);
  paint(canvas.getContext('2d'));
  return spriteOf(canvas.data(), width, height);
}

/** Shortens `text` with an ellipsis until it is at most `maxWidth` wide in the present font. */
function fitted(context: SKRSContext2D, text: string, maxWidth: number): string {
  if (context.measureText(text).width <= maxWidth) return text;
  const characters = [...new Intl.Segmenter().segment(text)].map((s) => s.segment);
  while (characters.length > 1) {
    characters.pop();
    const shorter = characters.join('').trimEnd() + ELLIPSIS;
    if (context.measureText(shorter).width <= maxWidth) return shorter;
  }
  return ELLIPSIS;
}

/** Words into lines of at most `maxWidth`, at most `maxLines`; a text without spaces breaks between characters. */
function wrapped(context: SKRSContext2D, text: string, maxWidth: number, maxLines: number): string[] {
  const pieces = [...new Intl.Segmenter(undefined, { granularity: 'word' }).segment(text)].map((s) => s.segment);
  const lines: string[] = [];
  let line = '';
  for (const piece of pieces) {
    if (line && context.measureText((line + piece).trimEnd()).width > maxWidth) {
      lines.push(line.trim());
      line = piece.trimStart();
    } else line += piece;
  }
  if (line.trim()) lines.push(line.trim());
  const kept = lines.slice(0, maxLines);
  if (lines.length > maxLines) kept[maxLines - 1] = lines.slice(maxLines - 1).join(' ');
  return kept.map((l) => fitted(context, l, maxWidth));
}

/** The tile of a person without a picture: initials on a disc in the person's own hue, the name below. */
export function drawPlaceholder(peer: string, name: string, width: number, height: number): Sprite {
  loadFontsFor(name + ELLIPSIS);
  const hue = hueOf(peer);
  const unit = Math.min(width, height * 1.2);
  const radius = unit * 0.19;
  const nameSize = Math.max(11, unit * 0.068);
  const gap = nameSize * 0.85;
  const centerX = width / 2;
  const top = (height - (radius * 2 + gap + nameSize)) / 2;
  return draw(width, height, (context) => {
    const background = context.createRadialGradient(
      centerX,
      height * 0.42,
      0,
      centerX,
      height * 0.42,
      Math.hypot(width, height) * 0.6,
    );
    background.addColorStop(0, `hsl(${hue} 26% 25%)`);
    background.addColorStop(1, `hsl(${hue} 30% 13%)`);
    context.fillStyle = background;
    context.fillRect(0, 0, width, height);
    // A hairline keeps neighbours of a similar hue apart.
    context.strokeStyle = 'rgba(255, 255, 255, 0.07)';
    context.lineWidth = 2;
    context.strokeRect(1, 1, width - 2, height - 2);

    const disc = context.createLinearGradient(0, top, 0, top + radius * 2);
    disc.addColorStop(0, `hsl(${hue} 46% 54%)`);
    disc.addColorStop(1, `hsl(${hue} 48% 39%)`);
    context.fillStyle = disc;
    context.beginPath();
    context.arc(centerX, top + radius, radius, 0, Math.PI * 2);
    context.fill();

    const initials = initialsOf(name);
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    context.fillStyle = '#ffffff';
    context.font = `600 ${radius * ([...initials].length > 1 ? 0.82 : 0.95)}px ${FONT_FAMILY}`;
    const box = context.measureText(initials);
    const rise = (box.actualBoundingBoxAscent - box.actualBoundingBoxDescent) / 2;
    context.fillText(initials, centerX, top + radius + rise);

    context.font = `600 ${nameSize}px ${FONT_FAMILY}`;
    context.fillStyle = 'rgba(255, 255, 255, 0.92)';
    context.fillText(fitted(context, name, width * 0.86), centerX, top + radius * 2 + gap + nameSize * 0.76);
  });
}

/** The whole picture while nobody is in the program. */
export function drawSlate(text: string, background: string, width: number, height: number): Sprite {
  const line = text.trim() || DEFAULT_SLATE_TEXT;
  loadFontsFor(line + ELLIPSIS);
  const unit = Math.min(width, height * 1.5);
  const size = Math.max(14, unit * 0.052);
  return draw(width, height, (context) => {
    context.fillStyle = background;
    context.fillRect(0, 0, width, height);
    glow(context, width * 0.3, height * 0.3, Math.max(width, height) * 0.55, 'hsla(226, 80%, 62%, 0.22)');
    glow(context, width * 0.75, height * 0.78, Math.max(width, height) * 0.5, 'hsla(322, 70%, 58%, 0.16)');
    context.font = `600 ${size}px ${FONT_FAMILY}`;
    const lines = wrapped(context, line, width * 0.8, 3);
    const mark = size * 1.15;
    const total = mark * 2 + size * 1.1 + lines.length * size * 1.35;
    const top = (height - total) / 2;
    drawMark(context, width / 2, top + mark, mark);
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    context.fillStyle = 'rgba(255, 255, 255, 0.94)';
    lines.forEach((text, i) => {
      context.fillText(text, width / 2, top + mark * 2 + size * 1.1 + size * (0.95 + i * 1.35));
    });
  });
}

function glow(context: SKRSContext2D, x: number, y: number, radius: number, color: string): void {
  const gradient = context.createRadialGradient(x, y, 0, x, y, radius);
  gradient.addColorStop(0, color);
  gradient.addColorStop(1, color.replace(/[\d.]+\)$/, '0)'));
  context.fillStyle = gradient;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
}

/** Two linked rings: connected microphones. */
function drawMark(context: SKRSContext2D, x: number, y: number, radius: number): void {
  const ring = radius * 0.62;
  context.lineWidth = radius * 0.24;
  for (const [offset, color] of [
    [-ring * 0.62, 'hsl(226 90% 72%)'],
    [ring * 0.62, 'hsl(322 80% 70%)'],
  ] as const) {
    context.strokeStyle = color;
    context.beginPath();
    context.arc(x + offset, y, ring, 0, Math.PI * 2);
    context.stroke();
  }
  // The first ring passes over the second at the lower crossing, so that they are linked.
  context.strokeStyle = 'hsl(226 90% 72%)';
  context.beginPath();
  context.arc(x - ring * 0.62, y, ring, Math.PI * 0.12, Math.PI * 0.45);
  context.stroke();
}
