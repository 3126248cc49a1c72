import { describe, expect, test } from 'vitest';
import { FramePainter } from '../../../scripts/simulator/clip/drawFrame.ts';
import {
  BASE_HEIGHT,
  BASE_WIDTH,
  beepHz,
  CLIP_FRAMES,
  CLIPS,
  decodeFrameCode,
  encodeFrameCode,
  firstEventFrame,
  hueOf,
  isFlash,
  nearestHue,
} from '../../../scripts/simulator/clip/frameCode.ts';
import { gridLayout } from '../../../src/layout/grid.ts';
import { type Picture, readTile, readTiles } from '../../support/program/readTile.ts';

/** A painted frame, blown up to `scale` times its size by repeating pixels, and cut to the middle `width` × `height`. */
function picture(
  clip: number,
  counter: number,
  scale = 1,
  width = BASE_WIDTH * scale,
  height = BASE_HEIGHT * scale,
): Picture {
  const frame = new FramePainter(clip).draw(counter);
  const planes = [0, 1, 2].map((plane) => {
    const sub = plane === 0 ? 1 : 2;
    const from = plane === 0 ? 0 : BASE_WIDTH * BASE_HEIGHT * (1 + (plane - 1) / 4);
    const [w, h] = [width / sub, height / sub];
    const left = (BASE_WIDTH * scale) / sub / 2 - w / 2;
    const top = (BASE_HEIGHT * scale) / sub / 2 - h / 2;
    const out = new Uint8Array(w * h);
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        out[y * w + x] =
          frame[from + Math.floor((top + y) / scale) * (BASE_WIDTH / sub) + Math.floor((left + x) / scale)]!;
      }
    }
    return out;
  });
  return { width, height, planes, strides: [width, width / 2, width / 2] };
}

describe('the frame code', () => {
  test('every clip and counter comes back from its 16 bits', () => {
    const words = new Set<number>();
    for (let clip = 0; clip < CLIPS; clip++) {
      for (let counter = 0; counter < CLIP_FRAMES; counter++) {
        const bits = encodeFrameCode(clip, counter);
        words.add(bits);
        expect(decodeFrameCode(bits)).toEqual({ clip, counter });
      }
    }
    expect(words.size).toBe(CLIPS * CLIP_FRAMES);
  });

  test('one wrong bit never passes', () => {
    for (let counter = 0; counter < CLIP_FRAMES; counter += 7) {
      for (let bit = 0; bit < 16; bit++) expect(decodeFrameCode(encodeFrameCode(5, counter) ^ (1 << bit))).toBeNull();
    }
  });

  test('it is read from a whole picture, and from one of which a cell shows only the middle', () => {
    for (const [width, height] of [
      [320, 180],
      [160, 180],
      [102, 180],
      [320, 90],
    ] as const) {
      const seen = picture(9, 211, 1, width, height);
      const tile = readTile(seen, { x: 0, y: 0, width, height });
      expect(tile.code).toEqual({ clip: 9, counter: 211 });
      expect(tile.hue.clip).toBe(9);
      expect(tile.flash).toBe(isFlash(9, 211));
    }
  });

  test('a flat picture has no code', () => {
    const flat = {
      ...picture(0, 0),
      planes: [new Uint8Array(57_600).fill(90), new Uint8Array(14_400), new Uint8Array(14_400)],
    };
    expect(readTile(flat, { x: 0, y: 0, width: 320, height: 180 }).code).toBeNull();
  });

  test('the number of tiles is found from the picture', () => {
    const [width, height] = [1280, 720];
    const canvas = {
      ...{ width, height, strides: [width, width / 2, width / 2] },
      planes: [
        new Uint8Array(width * height),
        new Uint8Array((width * height) / 4),
        new Uint8Array((width * height) / 4),
      ],
    };
    for (const [i, cell] of gridLayout(4, width, height).entries()) {
      const tile = picture(i, 17 + i, 2);
      for (const plane of [0, 1, 2]) {
        const sub = plane === 0 ? 1 : 2;
        for (let y = 0; y < cell.height / sub; y++) {
          const row = tile.planes[plane]!.subarray(y * tile.strides[plane]!, (y + 1) * tile.strides[plane]!);
          canvas.planes[plane]!.set(row, (cell.y / sub + y) * canvas.strides[plane]! + cell.x / sub);
        }
      }
    }
    for (const likely of [0, 2, 4]) {
      expect(readTiles(canvas, likely).map((t) => t.code)).toEqual(
        [0, 1, 2, 3].map((i) => ({ clip: i, counter: 17 + i })),
      );
    }
    canvas.planes[0]!.fill(30);
    expect(readTiles(canvas, 4)).toEqual([]);
  });

  test('flashes come each 2 s for 2 frames, and no two peers flash at once', () => {
    for (let clip = 0; clip < CLIPS; clip++) {
      const white = Array.from({ length: CLIP_FRAMES }, (_, n) => n).filter((n) => isFlash(clip, n));
      const starts = [0, 1, 2, 3, 4].map((i) => firstEventFrame(clip) + 60 * i);
      expect(white).toEqual(starts.flatMap((n) => [n, n + 1]));
      for (let other = 0; other < clip; other++) expect(white.filter((n) => isFlash(other, n))).toEqual([]);
    }
  });

  test('hues and frequencies are those of one clip only', () => {
    for (let clip = 0; clip < CLIPS; clip++) {
      const { cb, cr } = hueOf(clip);
      expect(nearestHue(cb + 8, cr - 8).clip).toBe(clip);
      expect(beepHz(clip)).toBe(600 + 200 * clip);
    }
  });
});
