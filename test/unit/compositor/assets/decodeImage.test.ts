import { deflateSync } from 'node:zlib';
import { createCanvas } from '@napi-rs/canvas';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../../../compositor/assets/decodeImage.ts';
import { BadImage, decodedSize, imageHeader } from '../../../../compositor/assets/imageSize.ts';

const BOX = { width: 200, height: 100 };

function painted(width: number, height: number) {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = '#204080';
  context.fillRect(0, 0, width, height);
  context.fillStyle = '#ff0000';
  context.fillRect(0, 0, width / 2, height);
  return canvas;
}

const svg = (root: string, body = '<rect width="100%" height="100%" fill="#00ff00"/>') =>
  Buffer.from(`<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" ${root}>${body}</svg>`);

/** A PNG that claims a size; its rows are `bytes` zeros, packed a thousandfold. */
function claimedPng(width: number, height: number, bytes: number): Buffer {
  const head = painted(2, 2).toBuffer('image/png').subarray(0, 33);
  head.writeUInt32BE(width, 16);
  head.writeUInt32BE(height, 20);
  const data = deflateSync(Buffer.alloc(bytes));
  const chunk = Buffer.alloc(8);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write('IDAT', 4);
  return Buffer.concat([head, chunk, data, Buffer.alloc(4)]);
}

describe('what an image says of itself', () => {
  test('kind and size of PNG, JPEG, WebP and SVG', () => {
    const canvas = painted(120, 80);
    expect(imageHeader(canvas.toBuffer('image/png'))).toEqual({ kind: 'png', width: 120, height: 80 });
    expect(imageHeader(canvas.toBuffer('image/jpeg'))).toEqual({ kind: 'jpeg', width: 120, height: 80 });
    for (const quality of [80, 100]) {
      expect(imageHeader(canvas.toBuffer('image/webp', quality))).toEqual({ kind: 'webp', width: 120, height: 80 });
    }
    expect(imageHeader(svg('width="30px" height="20"'))).toEqual({ kind: 'svg', width: 30, height: 20 });
    expect(imageHeader(svg('viewBox="0 0 64 16"'))).toEqual({ kind: 'svg', width: 64, height: 16 });
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.from('this is no image, whatever its name says')],
    ['a PNG of 4 gigapixels', claimedPng(65_535, 65_535, 1000)],
    ['a PNG without a size', claimedPng(0, 10, 10)],
    ['a JPEG that breaks off', painted(20, 20).toBuffer('image/jpeg').subarray(0, 40)],
    ['an SVG with entities', Buffer.from('<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg width="1" height="1">&a;</svg>')],
    ['an SVG with a picture', svg('width="9" height="9"', '<image href="data:image/png;base64,AAAA"/>')],
  ])('%s is refused before it is decoded', (_, bytes) => {
    expect(() => imageHeader(bytes)).toThrow(BadImage);
  });

  test('is decoded no larger than it is seen, and never enlarged', () => {
    expect(decodedSize({ kind: 'jpeg', width: 4000, height: 3000 }, BOX)).toEqual({ width: 200, height: 150 });
    expect(decodedSize({ kind: 'png', width: 20, height: 10 }, BOX)).toEqual({ width: 20, height: 10 });
    expect(decodedSize({ kind: 'svg', width: 20, height: 10 }, BOX)).toEqual({ width: 200, height: 100 });
    expect(decodedSize({ kind: 'png', width: 20_000, height: 2 }, BOX).width).toBeLessThanOrEqual(800);
  });
});

describe('decoding', () => {
  test('PNG, JPEG and SVG come out as pixels', async () => {
    for (const type of ['image/png', 'image/jpeg'] as const) {
      const bytes = type === 'image/png' ? painted(400, 200).toBuffer(type) : painted(400, 200).toBuffer(type, 95);
      const { width, height, pixels } = await decodeImage(bytes, BOX);
      expect([width, height]).toEqual([200, 100]);
      const at = (x: number) => [...pixels.subarray((50 * width + x) * 4, (50 * width + x) * 4 + 4)];
      expect(at(40).every((v, i) => Math.abs(v - ([255, 0, 0, 255][i] ?? 0)) < 12)).toBe(true);
      expect(at(160).every((v, i) => Math.abs(v - ([32, 64, 128, 255][i] ?? 0)) < 12)).toBe(true);
    }
    // Drawn at the size in which it is seen, not enlarged: its edge is sharp.
    const drawn = await decodeImage(svg('viewBox="0 0 20 10"', '<rect width="10" height="10" fill="#00ff00"/>'), BOX);
    expect([drawn.width, drawn.height]).toEqual([200, 100]);
    const alpha = Array.from({ length: 200 }, (_, x) => drawn.pixels[(50 * 200 + x) * 4 + 3] ?? 0);
    expect(alpha.slice(2, 98).every((a) => a === 255)).toBe(true);
    expect(alpha.slice(102).every((a) => a === 0)).toBe(true);
  });

  test.each([
    ['a PNG whose data is not there', painted(64, 64).toBuffer('image/png').subarray(0, 40)],
    ['an SVG that does not end', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g>')],
  ])('%s is a bad image', async (_, bytes) => {
    await expect(decodeImage(bytes, BOX)).rejects.toThrow(BadImage);
  });

  test('what comes to no end is given up', async () => {
    await expect(decodeImage(painted(400, 200).toBuffer('image/png'), BOX, 0)).rejects.toThrow('too long');
  });
});
