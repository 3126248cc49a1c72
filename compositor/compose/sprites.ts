/** Pictures from @napi-rs/canvas → planes: opaque ones as sprites, transparent ones as overlays. */
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
import { type Overlay, overlayOf } from './Overlay.ts';
import { evenUp } from './rects.ts';

/** Rows of a sprite are padded to this: the scaler's SIMD writes whole vectors past the width. */
const STRIDE_ALIGN = 64;

/** A planar sprite with rows that a scaler may write into; in the memory of `old` when that is large enough. */
export function emptySprite(width: number, height: number, old?: Sprite['planes']): Sprite {
  const stride = (w: number) => Math.ceil(w / STRIDE_ALIGN) * STRIDE_ALIGN;
  const [luma, chroma] = [stride(width), stride(width / 2)];
  const plane = (i: 0 | 1 | 2, rowBytes: number, rows: number) => {
    // One more row: vectors written past the end of the last one.
    const bytes = rowBytes * (rows + 1);
    const known = old?.[i];
    return known && known.length >= bytes ? known : Buffer.alloc(bytes);
  };
  return {
    width,
    height,
    planes: [plane(0, luma, height), plane(1, chroma, height / 2), plane(2, chroma, height / 2)],
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

/** An opaque picture: `paint` covers all of it. Even sizes. */
export function drawnSprite(width: number, height: number, paint: (context: SKRSContext2D) => void): Sprite {
  const canvas = createCanvas(width, height);
  paint(canvas.getContext('2d'));
  return spriteOf(canvas.data(), width, height);
}

/** A picture with transparency; its size becomes even. */
export function drawnOverlay(width: number, height: number, paint: (context: SKRSContext2D) => void): Overlay {
  const canvas = createCanvas(Math.max(2, evenUp(width)), Math.max(2, evenUp(height)));
  paint(canvas.getContext('2d'));
  return overlayOf(canvas.data(), canvas.width, canvas.height);
}
