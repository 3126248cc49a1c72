/**
 * Decodes one image on a thread of its own, then ends: a photograph takes a tenth of a second, a malicious drawing for ever, and
 * the program's frames must not wait for either. In: the bytes and the wanted size, looked at by imageSize.ts; out: RGBA.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createCanvas, loadImage } from '@napi-rs/canvas';

export interface ImageTask {
  bytes: Uint8Array;
  width: number;
  height: number;
  /** Has no pixels of its own: drawn at the wanted size. */
  vector: boolean;
}

const { bytes, width, height, vector } = workerData as ImageTask;
const image = await loadImage(Buffer.from(bytes));
if (vector) {
  image.width = width;
  image.height = height;
}
const context = createCanvas(width, height).getContext('2d');
context.imageSmoothingEnabled = true;
context.imageSmoothingQuality = 'high';
context.drawImage(image, 0, 0, width, height);
// A copy: memory of Skia's cannot be handed to another thread.
const pixels = new Uint8ClampedArray(context.getImageData(0, 0, width, height).data);
parentPort?.postMessage(pixels, [pixels.buffer]);
