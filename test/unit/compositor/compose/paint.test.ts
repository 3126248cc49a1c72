import { afterEach, describe, expect, test } from 'vitest';
import { Canvas } from '../../../../compositor/compose/Canvas.ts';
import { cornerMask } from '../../../../compositor/compose/masks.ts';
import { drawOverlay, mix, overlayOf } from '../../../../compositor/compose/Overlay.ts';
import { type Backdrop, drawBorder, drawRounded, finishTile } from '../../../../compositor/compose/paint.ts';
import { emptySprite } from '../../../../compositor/compose/sprites.ts';
import { yuvAt } from '../../../support/compose/stages.ts';

const GREY = [100, 128, 128] as const;
const WHITE = { width: 4, color: [235, 128, 128] as const };
const WHOLE = { x: 0, y: 0, width: 64, height: 48 };

const canvases: Canvas[] = [];
function grey(): Canvas {
  const canvas = new Canvas(WHOLE.width, WHOLE.height);
  canvas.fill(WHOLE, GREY);
  canvases.push(canvas);
  return canvas;
}
afterEach(() => {
  for (const canvas of canvases.splice(0)) canvas.close();
});

/** RGBA with colours multiplied by alpha. */
function rgba(width: number, height: number, at: (x: number, y: number) => readonly number[]): Uint8Array {
  const bytes = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const [r = 0, g = 0, b = 0, a = 255] = at(i % width, Math.floor(i / width));
    bytes.set([(r * a) / 255, (g * a) / 255, (b * a) / 255, a], i * 4);
  }
  return bytes;
}

describe('Overlay', () => {
  test('mixing is exact at both ends', () => {
    for (const [a, b] of [
      [16, 235],
      [235, 16],
      [0, 255],
    ] as const) {
      expect([mix(a, b, 0), mix(a, b, 255)]).toEqual([a, b]);
      expect(Math.abs(mix(a, b, 128) - (a + b) / 2)).toBeLessThanOrEqual(1);
    }
  });

  test('opaque, half and transparent samples, inside the clip only', () => {
    const canvas = grey();
    const overlay = overlayOf(
      rgba(24, 4, (x) => (x < 8 ? [255, 0, 0, 255] : x < 16 ? [255, 0, 0, 128] : [0, 0, 0, 0])),
      24,
      4,
    );
    drawOverlay(canvas, overlay, 10, 10, { x: 12, y: 10, width: 40, height: 2 });
    expect(yuvAt(canvas, 10, 10)).toEqual([...GREY]);
    expect(yuvAt(canvas, 14, 11)).toEqual([81, 90, 240]);
    const [y, cb, cr] = yuvAt(canvas, 22, 10);
    expect([y > 88 && y < 93, cb > 106 && cb < 112, cr > 180 && cr < 188]).toEqual([true, true, true]);
    expect(yuvAt(canvas, 28, 10)).toEqual([...GREY]);
    expect(yuvAt(canvas, 14, 12)).toEqual([...GREY]);
  });

  test('what is transparent has no say in the hue of an edge', () => {
    const canvas = grey();
    // Every second column is opaque red: all chroma samples are half covered, and pure red themselves.
    const overlay = overlayOf(
      rgba(8, 2, (x) => (x % 2 ? [255, 0, 0, 255] : [0, 255, 0, 0])),
      8,
      2,
    );
    expect([...overlay.planes[1].samples]).toEqual([90, 90, 90, 90]);
    expect([...overlay.planes[2].samples]).toEqual([240, 240, 240, 240]);
    drawOverlay(canvas, overlay, 0, 0, WHOLE);
    expect(yuvAt(canvas, 2, 0)[2]).toBe(184);
  });

  test('fades as a whole', () => {
    const canvas = grey();
    drawOverlay(
      canvas,
      overlayOf(
        rgba(8, 8, () => [255, 255, 255, 255]),
        8,
        8,
      ),
      0,
      0,
      WHOLE,
      128,
    );
    expect(Math.abs(yuvAt(canvas, 4, 4)[0] - 167)).toBeLessThanOrEqual(1);
    drawOverlay(
      canvas,
      overlayOf(
        rgba(8, 8, () => [0, 0, 0, 255]),
        8,
        8,
      ),
      20,
      20,
      WHOLE,
      0,
    );
    expect(yuvAt(canvas, 22, 22)).toEqual([...GREY]);
  });
});

describe('tiles', () => {
  const tile = { x: 8, y: 8, width: 40, height: 32 };
  function black() {
    const sprite = emptySprite(tile.width, tile.height);
    sprite.planes[0].fill(16);
    sprite.planes[1].fill(128);
    sprite.planes[2].fill(128);
    return sprite;
  }

  test('without radius and border there is no corner', () => {
    expect(cornerMask(0, 0, 40, 32).size).toBe(0);
    expect(cornerMask(100, 0, 40, 32).size).toBe(16);
    expect(cornerMask(12, 4, 40, 32)).toBe(cornerMask(12, 4, 40, 32));
  });

  test.each([0, 10])('blended or finished in the canvas, a bordered tile of radius %i looks the same', (radius) => {
    const mask = cornerMask(radius, WHITE.width, tile.width, tile.height);
    const blended = grey();
    drawBorder(blended, tile, WHITE, mask, WHOLE, 256);
    drawRounded(blended, black(), tile, mask, WHITE.width, WHOLE, 256);
    const finished = grey();
    finished.blit(black(), tile.x, tile.y);
    const backdrop: Backdrop = { color: GREY, picture: null };
    finishTile(finished, tile, WHITE, mask, backdrop);
    for (let y = 0; y < WHOLE.height; y++) {
      for (let x = 0; x < WHOLE.width; x++) {
        expect(Math.abs(yuvAt(blended, x, y)[0] - yuvAt(finished, x, y)[0]), `${x},${y}`).toBeLessThanOrEqual(2);
      }
    }
    // The backdrop, the border, the picture; on each side.
    const across = (y: number) => [4, 9, 28, 46, 50].map((x) => yuvAt(finished, x, y)[0]);
    expect(across(24)).toEqual([100, 235, 16, 235, 100]);
    expect(yuvAt(finished, 28, 9)[0]).toBe(235);
    expect(yuvAt(finished, 28, 38)[0]).toBe(235);
    for (const [x, y] of [
      [8, 8],
      [47, 8],
      [8, 39],
      [47, 39],
    ] as const) {
      expect(yuvAt(finished, x, y)[0]).toBe(radius === 0 ? 235 : 100);
    }
  });

  test('an edge in a corner is smooth', () => {
    const canvas = grey();
    drawRounded(canvas, black(), tile, cornerMask(16, 0, tile.width, tile.height), 0, WHOLE, 256);
    const row = Array.from({ length: 16 }, (_, x) => yuvAt(canvas, 8 + x, 11)[0]);
    expect(row[0]).toBe(100);
    expect(row.at(-1)).toBe(16);
    expect(row.some((y) => y > 20 && y < 96)).toBe(true);
    expect(row.every((y, i) => i === 0 || y <= (row[i - 1] ?? 0))).toBe(true);
  });

  test('only inside the clip, and never twice as dark when painted in pieces', () => {
    const mask = cornerMask(12, 2, tile.width, tile.height);
    const whole = grey();
    const pieces = grey();
    const frame = { ...WHITE, width: 2 };
    const paint = (canvas: Canvas, clip: typeof WHOLE) => {
      drawBorder(canvas, tile, frame, mask, clip, 200);
      drawRounded(canvas, black(), tile, mask, 2, clip, 200);
    };
    paint(whole, WHOLE);
    for (const x of [0, 14, 30, 46]) paint(pieces, { x, y: 0, width: x === 0 ? 14 : 16, height: 48 });
    for (let y = 0; y < WHOLE.height; y++) {
      for (let x = 0; x < 62; x++) expect(yuvAt(pieces, x, y), `${x},${y}`).toEqual(yuvAt(whole, x, y));
    }
  });
});
