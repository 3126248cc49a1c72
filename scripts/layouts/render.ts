/**
 * A composition → the picture that the program has, by the compositor's own classes. In: cases.ts and extras.ts; out: a program's
 * picture, scaled down; next: layoutPictures.ts writes it as a file, test/media/layouts.test.ts compares it with that file.
 */
import { createCanvas, loadImage } from '@napi-rs/canvas';
import {
  AV_PIX_FMT_RGBA,
  AV_PIX_FMT_YUV420P,
  FFmpegError,
  SoftwareScaleContext,
  SWS_ACCURATE_RND,
  SWS_AREA,
  type SwsFlags,
} from 'node-av';
import { pino } from 'pino';
import type { Canvas } from '../../compositor/compose/Canvas.ts';
import type { ImageAssets } from '../../compositor/compose/images.ts';
import { Stager } from '../../compositor/compose/Stage.ts';
import { VideoComposer } from '../../compositor/compose/VideoComposer.ts';
import type { Picture } from '../../compositor/decode/VideoDecoder.ts';
import type { Composition } from '../../src/layout/tiles.ts';
import { cameraPicture, screenPicture } from './cameras.ts';
import { CASE_PEOPLE, seatOf } from './cases.ts';

const FPS = 30;
/** Program pixels to one of a small picture, along each side: 1280x720 → 640x360, where names can still be read. */
export const SHRINK = 2;
/** WebP's, 0 to 100: letters stay clean, and all pictures together stay below 1.5 MB. */
const QUALITY = 82;

export interface SmallPicture {
  width: number;
  height: number;
  /** RGBA, opaque. */
  pixels: Uint8Array;
}

export interface Shot {
  width: number;
  height: number;
  composition: Composition;
  /** What the program shows before: the picture is then of the transition, `frame` frames after it began. */
  before?: { composition: Composition; frame: number };
}

export class Studio {
  readonly #cameras: Picture[];
  readonly #screen: Picture;
  readonly #assets: ImageAssets | undefined;

  /** Pictures are drawn here, once for all shots. */
  constructor(assets?: ImageAssets) {
    const seats = Math.max(...CASE_PEOPLE);
    this.#cameras = Array.from({ length: seats }, (_, seat) => cameraPicture(seat));
    this.#screen = screenPicture();
    this.#assets = assets;
  }

  /** @param shrink program pixels to one of the answer's */
  async take({ width, height, composition, before }: Shot, shrink = SHRINK): Promise<SmallPicture> {
    const stager = new Stager(width, height, this.#assets);
    const composer = new VideoComposer({ width, height, fps: FPS, logger: pino({ level: 'silent' }) });
    const pictureOf = (source: string): Picture | null => {
      const [peer = '', kind] = source.split('.');
      return kind === 'screen' ? this.#screen : (this.#cameras[seatOf(peer)] ?? null);
    };
    try {
      let frame = 0;
      if (before) {
        composer.setStage(await stager.stage(before.composition), frame);
        await composer.compose(frame++, 0, pictureOf);
      }
      composer.setStage(await stager.stage(composition), frame);
      for (const last = frame + (before?.frame ?? 0); frame <= last; frame++) {
        await composer.compose(frame, 0, pictureOf);
      }
      return shrunk(composer.canvas, shrink);
    } finally {
      composer.close();
    }
  }

  close(): void {
    for (const { frame } of [...this.#cameras, this.#screen]) frame.free();
  }
}

function shrunk({ width, height, planes, strides }: Canvas, shrink: number): SmallPicture {
  const [w, h] = [Math.round(width / shrink), Math.round(height / shrink)];
  const stride = Math.ceil((w * 4) / 64) * 64;
  const rows = Buffer.alloc(stride * (h + 1));
  const scaler = new SoftwareScaleContext();
  const flags = (SWS_AREA | SWS_ACCURATE_RND) as SwsFlags;
  scaler.getContext(width, height, AV_PIX_FMT_YUV420P, w, h, AV_PIX_FMT_RGBA, flags);
  FFmpegError.throwIfError(scaler.scaleSync([...planes], [...strides], 0, height, [rows], [stride]), 'shrink');
  scaler.freeContext();
  const pixels = new Uint8Array(w * h * 4);
  for (let y = 0; y < h; y++) pixels.set(rows.subarray(y * stride, y * stride + w * 4), y * w * 4);
  return { width: w, height: h, pixels };
}

/** As a WebP file. */
export function encodePicture({ width, height, pixels }: SmallPicture): Buffer {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const data = context.createImageData(width, height);
  data.data.set(pixels);
  context.putImageData(data, 0, 0);
  return canvas.encodeSync('webp', QUALITY);
}

export async function decodePicture(file: Buffer): Promise<SmallPicture> {
  const image = await loadImage(file);
  const canvas = createCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return { width: image.width, height: image.height, pixels: Uint8Array.from(data) };
}
