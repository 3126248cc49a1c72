/**
 * The pictures that no camera makes: the placeholder tile of a person without one, and the slate of an empty room. Drawn
 * once per change with @napi-rs/canvas, then kept as planes.
 */
import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Sprite } from './Canvas.ts';
import { hueOf } from './color.ts';
import { coverImage, type ProgramImage } from './images.ts';
import { drawnSprite } from './sprites.ts';
import { fontOf, graphemesOf, measure, oneLine, wrapped } from './text.ts';

export const DEFAULT_SLATE_TEXT = 'We will be right back';

/**
 * One or two letters for a name: first and last word. One where two would not stand beside each other: Han, Kana, Hangul, and Arabic,
 * whose letters would join.
 */
export function initialsOf(name: string): string {
  const words = name
    .trim()
    .split(/\s+/u)
    .map((word) => word.replace(/^[^\p{L}\p{N}]+/u, ''))
    .filter(Boolean);
  const first = graphemesOf(words[0] ?? '')[0];
  if (!first) return graphemesOf(name.trim())[0] ?? '?';
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Arabic}]/u.test(first))
    return first;
  const last = words.length > 1 ? (graphemesOf(words.at(-1) ?? '')[0] ?? '') : '';
  return (first + last).toLocaleUpperCase();
}

export interface PlaceholderSize {
  width: number;
  height: number;
  /** The height above the label. */
  free: number;
}

/**
 * The tile of a person without a picture: initials, or the person's own image, on a disc in the person's own hue. The disc is in the middle,
 * or, in a low tile, in the middle of what is above the label.
 */
export function drawPlaceholder(
  peer: string,
  name: string,
  { width, height, free }: PlaceholderSize,
  avatar: ProgramImage | null = null,
): Sprite {
  const hue = hueOf(peer);
  const largest = Math.min(width, height) * 0.27;
  const fits = height * 0.48 + largest <= free;
  const radius = fits ? largest : Math.min(largest, Math.max(free * 0.43, height * 0.16));
  const [centerX, centerY] = [width / 2, fits ? height * 0.48 : Math.max(free / 2, radius)];
  const initials = initialsOf(name);
  const size = radius * (graphemesOf(initials).length > 1 ? 0.82 : 0.95);
  measure(initials, size, 600);
  return drawnSprite(width, height, (context) => {
    const reach = Math.hypot(width, height) * 0.6;
    const background = context.createRadialGradient(centerX, height * 0.42, 0, centerX, height * 0.42, reach);
    background.addColorStop(0, `hsl(${hue} 26% 25%)`);
    background.addColorStop(1, `hsl(${hue} 30% 13%)`);
    context.fillStyle = background;
    context.fillRect(0, 0, width, height);
    // A hairline keeps neighbours of a similar hue apart.
    context.strokeStyle = 'rgba(255, 255, 255, 0.07)';
    context.lineWidth = 2;
    context.strokeRect(1, 1, width - 2, height - 2);

    context.beginPath();
    context.arc(centerX, centerY, radius, 0, Math.PI * 2);
    if (avatar) {
      context.save();
      context.clip();
      coverImage(context, avatar, centerX - radius, centerY - radius, radius * 2, radius * 2);
      context.restore();
      return;
    }
    const disc = context.createLinearGradient(0, centerY - radius, 0, centerY + radius);
    disc.addColorStop(0, `hsl(${hue} 46% 54%)`);
    disc.addColorStop(1, `hsl(${hue} 48% 39%)`);
    context.fillStyle = disc;
    context.fill();
    context.textAlign = 'center';
    context.textBaseline = 'alphabetic';
    context.fillStyle = '#ffffff';
    context.font = fontOf(size, 600);
    const box = context.measureText(initials);
    const rise = (box.actualBoundingBoxAscent - box.actualBoundingBoxDescent) / 2;
    context.fillText(initials, centerX, centerY + rise);
  });
}

/** The whole picture while nobody is in the program. */
export function drawSlate(text: string, background: string, width: number, height: number): Sprite {
  const line = oneLine(text) || DEFAULT_SLATE_TEXT;
  const unit = Math.min(width, height * 1.5);
  const size = Math.max(14, unit * 0.052);
  const lines = wrapped(measure(line, size, 600), line, width * 0.8, 3);
  return drawnSprite(width, height, (context) => {
    context.fillStyle = background;
    context.fillRect(0, 0, width, height);
    glow(context, width * 0.3, height * 0.3, Math.max(width, height) * 0.55, 'hsla(226, 80%, 62%, 0.22)');
    glow(context, width * 0.75, height * 0.78, Math.max(width, height) * 0.5, 'hsla(322, 70%, 58%, 0.16)');
    context.font = fontOf(size, 600);
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
