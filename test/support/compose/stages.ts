/** Pictures, stages and canvases for tests of what the compositor draws: everything is made here, nothing is decoded. */
import { AV_PIX_FMT_YUV420P, FFmpegError, Frame } from 'node-av';
import { pino } from 'pino';
import { type Canvas, planesOf } from '../../../compositor/compose/Canvas.ts';
import type { ImageAssets, ProgramImage } from '../../../compositor/compose/images.ts';
import { VideoComposer } from '../../../compositor/compose/VideoComposer.ts';
import type { Picture } from '../../../compositor/decode/VideoDecoder.ts';
import { Scene, type SceneInput } from '../../../src/contracts/scene.ts';
import type { Composition } from '../../../src/layout/tiles.ts';

export const FPS = 30;

/** A picture with a gradient and a grain of its own, the same for the same seed. */
export function grainyPicture(width: number, height: number, seed: number, playoutMs = 0): Picture {
  return pictureOf(width, height, playoutMs, (plane, x, y) =>
    plane === 0
      ? 40 + ((x * 3 + y * 5 + seed * 37 + ((x * y * (seed + 1)) % 61)) % 180)
      : 60 + ((x + y + seed * 53) % 130),
  );
}

/** One colour. */
export const plainPicture = (width: number, height: number, yuv: readonly number[], playoutMs = 0): Picture =>
  pictureOf(width, height, playoutMs, (plane) => yuv[plane] ?? 0);

function pictureOf(
  width: number,
  height: number,
  playoutMs: number,
  sample: (plane: number, x: number, y: number) => number,
): Picture {
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = AV_PIX_FMT_YUV420P;
  FFmpegError.throwIfError(frame.getBuffer(), 'picture');
  const [planes, strides] = planesOf(frame);
  planes.forEach((plane, i) => {
    const [w, h] = i === 0 ? [width, height] : [(width + 1) >> 1, (height + 1) >> 1];
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) plane[y * (strides[i as 0 | 1 | 2] ?? 0) + x] = sample(i, x, y);
    }
  });
  return { frame, width, height, playoutMs };
}

export const peerId = (i: number): string => `p${'abcdefghijklmnop'[i]?.repeat(8)}`;

export interface Cast {
  people: number;
  /** Cameras that are off. */
  off?: number[];
  /** Who shares a screen. */
  screens?: number[];
  /** Who has a microphone that is on. */
  heard?: number[];
  speaking?: number[];
  /** Of people who are not `Person A` and so on. */
  names?: Record<number, string>;
}

export function compositionOf(cast: Cast, scene: SceneInput = {}): Composition {
  const indices = Array.from({ length: cast.people }, (_, i) => i);
  const of = (i: number, kind: 'camera' | 'screen' | 'microphone') => ({
    id: `${peerId(i)}.${kind}`,
    peer: peerId(i),
    kind,
    paused: false,
  });
  return {
    scene: Scene.parse(scene),
    peers: indices.map((i) => ({ id: peerId(i), name: cast.names?.[i] ?? `Person ${'ABCDEFGHIJKLMNOP'[i]}` })),
    sources: indices.flatMap((i) => [
      ...(cast.off?.includes(i) ? [] : [of(i, 'camera')]),
      ...(cast.screens?.includes(i) ? [of(i, 'screen')] : []),
      ...(cast.heard?.includes(i) ? [of(i, 'microphone')] : []),
    ]),
    active: null,
    speaking: (cast.speaking ?? []).map(peerId),
  };
}

export const composerOf = (width: number, height: number): VideoComposer =>
  new VideoComposer({ width, height, fps: FPS, logger: pino({ level: 'silent' }) });

/** What is seen of a canvas: the planes without their padding. */
export function visible({ width, height, planes, strides }: Canvas): Buffer {
  const rows: Buffer[] = [];
  planes.forEach((plane, i) => {
    const shift = i === 0 ? 0 : 1;
    const stride = strides[i as 0 | 1 | 2];
    for (let y = 0; y < height >> shift; y++) rows.push(plane.subarray(y * stride, y * stride + (width >> shift)));
  });
  return Buffer.concat(rows);
}

/** Y, Cb and Cr of one pixel. */
export function yuvAt({ planes, strides }: Canvas, x: number, y: number): [number, number, number] {
  const chroma = (y >> 1) * strides[1] + (x >> 1);
  return [planes[0][y * strides[0] + x] ?? 0, planes[1][chroma] ?? 0, planes[2][chroma] ?? 0];
}

/** Assets that a test puts there. */
export class TestAssets implements ImageAssets {
  readonly images = new Map<string, ProgramImage>();

  async image(id: string): Promise<ProgramImage | null> {
    return this.images.get(id) ?? null;
  }
}

/** An image of one colour; RGBA. */
export function plainImage(width: number, height: number, rgba: readonly number[]): ProgramImage {
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < pixels.length; i++) pixels[i] = rgba[i % 4] ?? 0;
  return { width, height, pixels };
}
