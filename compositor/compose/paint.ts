/**
 * How tiles get onto the canvas: pictures with rounded corners and borders, whole or faded, only inside a clip. In: planes
 * (scaled pictures, cards) and masks; out: the canvas. Everything works by rows, and blends only in the corners.
 */
import type { Cell } from '../../src/layout/grid.ts';
import type { Canvas, Sprite } from './Canvas.ts';
import type { Yuv } from './color.ts';
import type { CornerMask } from './masks.ts';
import { copySamples, mix, OPAQUE } from './Overlay.ts';
import { intersection } from './rects.ts';

/** What is behind all tiles. */
export interface Backdrop {
  color: Yuv;
  /** Over the colour, as large as the program. */
  picture: Sprite | null;
}

/** A line inside a tile's contour; width in pixels, even. */
export interface Frame {
  width: number;
  color: Yuv;
}

const PLANES = [0, 1, 2] as const;

export function paintBackdrop(canvas: Canvas, { color, picture }: Backdrop, clip: Cell): void {
  if (picture) drawSprite(canvas, picture, 0, 0, clip);
  else canvas.fill(clip, color);
}

/** Copies (or fades in) the part of a sprite at (x, y) that is inside `clip`. */
export function drawSprite(canvas: Canvas, sprite: Sprite, x: number, y: number, clip: Cell, opacity = OPAQUE): void {
  const part = intersection({ x, y, width: sprite.width, height: sprite.height }, clip);
  if (!part || opacity <= 0) return;
  for (const i of PLANES) {
    const s = i === 0 ? 0 : 1;
    const to = canvas.planes[i];
    const from = sprite.planes[i];
    const width = part.width >> s;
    for (let row = part.y >> s; row < (part.y + part.height) >> s; row++) {
      const at = row * canvas.strides[i] + (part.x >> s);
      const start = (row - (y >> s)) * sprite.strides[i] + ((part.x - x) >> s);
      put(from, start, to, at, width, opacity);
    }
  }
}

/** A picture as large as its tile: rounded, and left free where the border is. */
export function drawRounded(
  canvas: Canvas,
  sprite: Sprite,
  { x, y }: { x: number; y: number },
  mask: CornerMask,
  border: number,
  clip: Cell,
  opacity: number,
): void {
  const { width, height } = sprite;
  if (mask.size === 0) {
    drawSprite(canvas, sprite, x, y, clip, opacity);
    return;
  }
  const inner = { x: x + border, y: y + border, width: width - 2 * border, height: height - 2 * border };
  const c = mask.size;
  // All rows between the corners in one, then the rows of the corners without their squares.
  for (const part of [
    { ...inner, y: y + c, height: height - 2 * c },
    { ...inner, x: x + c, width: width - 2 * c, height: c - border },
    { x: x + c, y: y + height - c, width: width - 2 * c, height: c - border },
  ]) {
    const clipped = part.width > 0 && part.height > 0 ? intersection(part, clip) : null;
    if (clipped) drawSprite(canvas, sprite, x, y, clipped, opacity);
  }
  eachCorner(canvas, { x, y, width, height }, mask, clip, (i, at, m, px, py) => {
    const to = canvas.planes[i];
    const s = i === 0 ? 0 : 1;
    const sample = sprite.planes[i][(py - (y >> s)) * sprite.strides[i] + px - (x >> s)] as number;
    const coverage = (i === 0 ? mask.inner.luma : mask.inner.chroma)[m] as number;
    to[at] = mix(to[at] as number, sample, (coverage * opacity) >> 8);
  });
}

/** The border of a tile that is blended over what is there; before its picture. */
export function drawBorder(
  canvas: Canvas,
  tile: Cell,
  { width: border, color }: Frame,
  mask: CornerMask,
  clip: Cell,
  opacity: number,
): void {
  fillEdges(canvas, tile, border, color, mask.size, clip, opacity);
  eachCorner(canvas, tile, mask, clip, (i, at, m) => {
    const to = canvas.planes[i];
    const outer = (i === 0 ? mask.outer.luma : mask.outer.chroma)[m] as number;
    const inner = (i === 0 ? mask.inner.luma : mask.inner.chroma)[m] as number;
    // The picture comes over it: at its contour the border goes on below. Not while fading, where it would shine through.
    const coverage = opacity === OPAQUE ? outer : ((outer - inner) * opacity) >> 8;
    to[at] = mix(to[at] as number, color[i], coverage);
  });
}

/** Border and corners of a tile whose picture was written into the canvas as a rectangle, with nothing but backdrop below. */
export function finishTile(
  canvas: Canvas,
  tile: Cell,
  frame: Frame | null,
  mask: CornerMask,
  backdrop: Backdrop,
): void {
  if (mask.size === 0) return;
  if (frame) fillEdges(canvas, tile, frame.width, frame.color, mask.size, tile, OPAQUE);
  const { picture, color } = backdrop;
  eachCorner(canvas, tile, mask, tile, (i, at, m, px, py) => {
    const to = canvas.planes[i];
    const outer = (i === 0 ? mask.outer.luma : mask.outer.chroma)[m] as number;
    const inner = (i === 0 ? mask.inner.luma : mask.inner.chroma)[m] as number;
    const behind = picture ? (picture.planes[i][py * picture.strides[i] + px] as number) : color[i];
    const around = frame ? mix(behind, frame.color[i], outer) : behind;
    to[at] = mix(around, to[at] as number, inner);
  });
}

/** The straight parts of a border, between the squares of the corners. */
function fillEdges(
  canvas: Canvas,
  { x, y, width, height }: Cell,
  border: number,
  color: Yuv,
  corner: number,
  clip: Cell,
  opacity: number,
): void {
  const [w, h] = [width - 2 * corner, height - 2 * corner];
  for (const edge of [
    { x: x + corner, y, width: w, height: border },
    { x: x + corner, y: y + height - border, width: w, height: border },
    { x, y: y + corner, width: border, height: h },
    { x: x + width - border, y: y + corner, width: border, height: h },
  ]) {
    const part = edge.width > 0 && edge.height > 0 ? intersection(edge, clip) : null;
    if (part) canvas.fill(part, color, opacity);
  }
}

/** `at`: index in the canvas plane; `m`: index in the mask; (px, py): canvas coordinates in samples of the plane. */
type CornerPainter = (plane: 0 | 1 | 2, at: number, m: number, px: number, py: number) => void;

function eachCorner(canvas: Canvas, tile: Cell, { size }: CornerMask, clip: Cell, paint: CornerPainter): void {
  if (size === 0) return;
  for (const right of [false, true]) {
    for (const bottom of [false, true]) {
      const square = {
        x: right ? tile.x + tile.width - size : tile.x,
        y: bottom ? tile.y + tile.height - size : tile.y,
        width: size,
        height: size,
      };
      const part = intersection(square, clip);
      if (!part) continue;
      for (const i of PLANES) {
        const s = i === 0 ? 0 : 1;
        const side = size >> s;
        for (let py = part.y >> s; py < (part.y + part.height) >> s; py++) {
          const my = py - (square.y >> s);
          const row = (bottom ? side - 1 - my : my) * side;
          for (let px = part.x >> s; px < (part.x + part.width) >> s; px++) {
            const mx = px - (square.x >> s);
            paint(i, py * canvas.strides[i] + px, row + (right ? side - 1 - mx : mx), px, py);
          }
        }
      }
    }
  }
}

function put(from: Uint8Array, start: number, to: Uint8Array, at: number, count: number, opacity: number): void {
  if (opacity === OPAQUE) {
    copySamples(from, start, to, at, count);
    return;
  }
  const rest = OPAQUE - opacity;
  for (let i = 0; i < count; i++) {
    to[at + i] = ((to[at + i] as number) * rest + (from[start + i] as number) * opacity + 128) >> 8;
  }
}
