/**
 * A picture with transparency, in planes: text, logos, titles. Drawn once per change, then laid over the canvas by spans: what is
 * transparent costs nothing, what is opaque is copied, and only the samples between are blended.
 */
import type { Cell } from '../../src/layout/grid.ts';
import type { Canvas } from './Canvas.ts';

/** One plane with its coverage. Rows are `width` samples, without padding. */
export interface MaskedPlane {
  width: number;
  height: number;
  samples: Uint8Array;
  alpha: Uint8Array;
  /** Row *i* has the runs from `rows[i]` to `rows[i + 1]`. */
  rows: Int32Array;
  /** Three numbers each: first sample, the one after the last, and 1 where all of it is opaque. */
  runs: Int32Array;
}

export interface Overlay {
  /** Even. */
  width: number;
  height: number;
  planes: readonly [MaskedPlane, MaskedPlane, MaskedPlane];
}

/** Opacity that leaves a picture as it is; a power of two, so that applying it is a shift. */
export const OPAQUE = 256;
/** Shorter copies are quicker without a call into native code. */
const NATIVE_COPY = 48;

/** `rgba` with colours multiplied by alpha, as Skia has them → BT.601, limited range, 4:2:0. Even sizes. */
export function overlayOf(rgba: Uint8Array, width: number, height: number): Overlay {
  const luma = { samples: new Uint8Array(width * height), alpha: new Uint8Array(width * height) };
  for (let i = 0, at = 0; i < luma.samples.length; i++, at += 4) {
    const a = rgba[at + 3] ?? 0;
    if (a === 0) continue;
    luma.alpha[i] = a;
    const y = 65.481 * (rgba[at] ?? 0) + 128.553 * (rgba[at + 1] ?? 0) + 24.966 * (rgba[at + 2] ?? 0);
    luma.samples[i] = 16.5 + y / a;
  }
  const [w, h] = [width / 2, height / 2];
  const alpha = new Uint8Array(w * h);
  const cb = new Uint8Array(w * h);
  const cr = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const upper = (2 * y * width + 2 * x) * 4;
      const lower = upper + width * 4;
      // Colours are weighted by their alpha: what is transparent has no say in the hue of an edge.
      const sum = (c: number) =>
        (rgba[upper + c] ?? 0) + (rgba[upper + 4 + c] ?? 0) + (rgba[lower + c] ?? 0) + (rgba[lower + 4 + c] ?? 0);
      const a = sum(3);
      if (a === 0) continue;
      const [r, g, b] = [sum(0), sum(1), sum(2)];
      const i = y * w + x;
      alpha[i] = (a + 2) >> 2;
      cb[i] = 128.5 + (-37.797 * r - 74.203 * g + 112 * b) / a;
      cr[i] = 128.5 + (112 * r - 93.786 * g - 18.214 * b) / a;
    }
  }
  const chroma = runsOf(alpha, w, h);
  return {
    width,
    height,
    planes: [
      { width, height, ...luma, ...runsOf(luma.alpha, width, height) },
      { width: w, height: h, samples: cb, alpha, ...chroma },
      { width: w, height: h, samples: cr, alpha, ...chroma },
    ],
  };
}

function runsOf(alpha: Uint8Array, width: number, height: number): Pick<MaskedPlane, 'rows' | 'runs'> {
  const rows = new Int32Array(height + 1);
  const runs: number[] = [];
  const kind = (a: number | undefined) => (a === 255 ? 2 : a ? 1 : 0);
  for (let y = 0; y < height; y++) {
    rows[y] = runs.length / 3;
    const row = y * width;
    for (let x = 0; x < width; ) {
      const first = x;
      const of = kind(alpha[row + x]);
      while (x < width && kind(alpha[row + x]) === of) x++;
      if (of > 0) runs.push(first, x, of - 1);
    }
  }
  rows[height] = runs.length / 3;
  return { rows, runs: Int32Array.from(runs) };
}

/** Lays an overlay with its upper left corner at (x, y), even, over what is there; only inside `clip`. */
export function drawOverlay(
  canvas: Canvas,
  overlay: Overlay,
  x: number,
  y: number,
  clip: Cell,
  opacity = OPAQUE,
): void {
  if (opacity <= 0) return;
  const { planes, strides } = canvas;
  for (const i of [0, 1, 2] as const) {
    const s = i === 0 ? 0 : 1;
    const window = {
      left: Math.max(0, (clip.x - x) >> s),
      right: Math.min(overlay.width >> s, (clip.x + clip.width - x) >> s),
      top: Math.max(0, (clip.y - y) >> s),
      bottom: Math.min(overlay.height >> s, (clip.y + clip.height - y) >> s),
    };
    drawPlane(planes[i], strides[i], (y >> s) * strides[i] + (x >> s), overlay.planes[i], window, opacity);
  }
}

interface Window {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

function drawPlane(
  to: Uint8Array,
  stride: number,
  origin: number,
  { width, samples, alpha, rows, runs }: MaskedPlane,
  { left, right, top, bottom }: Window,
  opacity: number,
): void {
  for (let row = top; row < bottom; row++) {
    const target = origin + row * stride;
    const source = row * width;
    const last = (rows[row + 1] ?? 0) * 3;
    for (let i = (rows[row] ?? 0) * 3; i < last; i += 3) {
      const from = Math.max(left, runs[i] ?? 0);
      const until = Math.min(right, runs[i + 1] ?? 0);
      if (from >= until) continue;
      if (runs[i + 2] === 1 && opacity === OPAQUE) {
        copySamples(samples, source + from, to, target + from, until - from);
      } else {
        for (let x = from; x < until; x++) {
          const a = ((alpha[source + x] as number) * opacity) >> 8;
          to[target + x] = mix(to[target + x] as number, samples[source + x] as number, a);
        }
      }
    }
  }
}

/** `b` over `a` with coverage 0…255: exact at both ends. */
export const mix = (a: number, b: number, coverage: number): number => a + (((b - a) * coverage * 257 + 32768) >> 16);

export function copySamples(from: Uint8Array, start: number, to: Uint8Array, at: number, count: number): void {
  if (count >= NATIVE_COPY) to.set(from.subarray(start, start + count), at);
  else for (let i = 0; i < count; i++) to[at + i] = from[start + i] as number;
}
