/** Uploaded images, as sprites and overlays: background, slate, avatars and logo. */
import { createCanvas, type SKRSContext2D, type Canvas as SkiaCanvas } from '@napi-rs/canvas';
import type { Sprite } from './Canvas.ts';
import type { Overlay } from './Overlay.ts';
import { drawnOverlay, drawnSprite } from './sprites.ts';

/** A decoded image. */
export interface ProgramImage {
  width: number;
  height: number;
  /** RGBA, colours not multiplied by alpha. */
  pixels: Uint8ClampedArray;
}

/** What an image has to cover, pixels: a decoded photograph is as large as it is seen, not as it was taken. */
export interface ImageBox {
  width: number;
  height: number;
}

/** Where images come from; null while it is not there, or never will be. */
export interface ImageAssets {
  image(id: string, box: ImageBox): Promise<ProgramImage | null>;
}

export const NO_ASSETS: ImageAssets = { image: async () => null };

const canvases = new WeakMap<ProgramImage, SkiaCanvas>();

function canvasOf(image: ProgramImage): SkiaCanvas {
  const known = canvases.get(image);
  if (known) return known;
  const canvas = createCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  const data = context.createImageData(image.width, image.height);
  data.data.set(image.pixels);
  context.putImageData(data, 0, 0);
  canvases.set(image, canvas);
  return canvas;
}

/** Fills a rectangle with an image, cropped in the middle. */
export function coverImage(
  context: SKRSContext2D,
  image: ProgramImage,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const scale = Math.max(width / image.width, height / image.height);
  const [w, h] = [width / scale, height / scale];
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = 'high';
  context.drawImage(canvasOf(image), (image.width - w) / 2, (image.height - h) / 2, w, h, x, y, width, height);
}

/** A whole program of an image; where it is transparent, `background` is seen. */
export const drawCover = (image: ProgramImage, background: string, width: number, height: number): Sprite =>
  drawnSprite(width, height, (context) => {
    context.fillStyle = background;
    context.fillRect(0, 0, width, height);
    coverImage(context, image, 0, 0, width, height);
  });

/** A logo of a height, at most `maxWidth` wide. */
export function drawLogo(image: ProgramImage, height: number, maxWidth: number, opacity: number): Overlay {
  const scale = Math.min(height / image.height, maxWidth / image.width);
  const [w, h] = [Math.max(1, image.width * scale), Math.max(1, image.height * scale)];
  return drawnOverlay(w, h, (context) => {
    context.globalAlpha = opacity;
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = 'high';
    context.drawImage(canvasOf(image), 0, 0, w, h);
  });
}
