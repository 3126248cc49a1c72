/**
 * The program's picture: one planar YUV 4:2:0 frame that cells are drawn into, and that encode/VideoEncoder.ts reads.
 * All coordinates are even, so that they fall on whole chroma samples.
 */
import { AV_PIX_FMT_YUV420P, FFmpegError, Frame } from 'node-av';
import type { Cell } from '../../src/layout/grid.ts';
import type { Yuv } from './color.ts';

/** Row alignment in bytes: a cache line, and enough for every SIMD width. */
const ALIGN = 64;

/** An opaque picture in planes, drawn once and copied from then on. */
export interface Sprite {
  width: number;
  height: number;
  planes: readonly [Buffer, Buffer, Buffer];
  strides: readonly [number, number, number];
}

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly frame: Frame;
  #planes: [Buffer, Buffer, Buffer];
  #strides: [number, number, number];
  #closed = false;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.frame = new Frame();
    this.frame.alloc();
    this.frame.width = width;
    this.frame.height = height;
    this.frame.format = AV_PIX_FMT_YUV420P;
    FFmpegError.throwIfError(this.frame.getBuffer(ALIGN), 'canvas');
    [this.#planes, this.#strides] = planesOf(this.frame);
  }

  get strides(): readonly [number, number, number] {
    return this.#strides;
  }

  /** Luma, Cb, Cr; until the next `begin`. */
  get planes(): readonly [Buffer, Buffer, Buffer] {
    return this.#planes;
  }

  /** Before drawing: if an encoder still holds the last picture, the canvas goes on in a copy of it. */
  begin(): void {
    if (this.frame.isWritable) return;
    FFmpegError.throwIfError(this.frame.makeWritable(), 'canvas');
    [this.#planes, this.#strides] = planesOf(this.frame);
  }

  /** The planes from the top left sample of a cell on; with `strides` they are the cell itself. */
  planesAt(x: number, y: number): [Buffer, Buffer, Buffer] {
    const [luma, cb, cr] = this.#planes;
    const chroma = (y >> 1) * this.#strides[1] + (x >> 1);
    return [
      luma.subarray(y * this.#strides[0] + x),
      cb.subarray(chroma),
      cr.subarray((y >> 1) * this.#strides[2] + (x >> 1)),
    ];
  }

  /** @param opacity 0…256; 256 covers what is there */
  fill({ x, y, width, height }: Cell, color: Yuv, opacity = 256): void {
    this.#planes.forEach((plane, i) => {
      const shift = i === 0 ? 0 : 1;
      const stride = this.#strides[i as 0 | 1 | 2];
      const value = color[i as 0 | 1 | 2];
      const start = (y >> shift) * stride + (x >> shift);
      for (let row = 0; row < height >> shift; row++) {
        const from = start + row * stride;
        const until = from + (width >> shift);
        if (opacity === 256) plane.fill(value, from, until);
        else {
          for (let at = from; at < until; at++) {
            plane[at] = ((plane[at] as number) * (256 - opacity) + value * opacity + 128) >> 8;
          }
        }
      }
    });
  }

  /** Copies the upper left `width` x `height` of a sprite. */
  blit(sprite: Sprite, x: number, y: number, width = sprite.width, height = sprite.height): void {
    const planes = this.planesAt(x, y);
    planes.forEach((plane, i) => {
      const shift = i === 0 ? 0 : 1;
      const stride = this.#strides[i as 0 | 1 | 2];
      const from = sprite.planes[i as 0 | 1 | 2];
      const fromStride = sprite.strides[i as 0 | 1 | 2];
      for (let row = 0; row < height >> shift; row++) {
        from.copy(plane, row * stride, row * fromStride, row * fromStride + (width >> shift));
      }
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.frame.free();
  }
}

export function planesOf(frame: Frame): [[Buffer, Buffer, Buffer], [number, number, number]] {
  const [luma, cb, cr] = frame.data ?? [];
  const [lumaStride = 0, cbStride = 0, crStride = 0] = frame.linesize;
  if (!luma || !cb || !cr) throw new Error('not a planar picture');
  return [
    [luma, cb, cr],
    [lumaStride, cbStride, crStride],
  ];
}
