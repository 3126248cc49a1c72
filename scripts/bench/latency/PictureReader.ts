/**
 * Reads the codes out of what a page shows, from within the page: at each picture that is presented, the code areas of all tiles are
 * drawn onto a small canvas. In: a page with a playing <video>. Out: which frame of which peer was on the screen when.
 *
 * Timestamps. Wall clock in ms since 1970, `timeOrigin + expectedDisplayTime`: when the browser means the picture to be seen.
 */
import type { Page } from 'playwright-core';
import { gridLayout } from '../../../src/layout/grid.ts';
import {
  BASE_HEIGHT,
  BASE_WIDTH,
  BITS_PER_ROW,
  CODE_AREA,
  decodeFrameCode,
  MIN_CONTRAST,
} from '../../simulator/clip/frameCode.ts';

/** Pixels of a block on the canvas; its middle is looked at. */
const BLOCK_PIXELS = 4;
/** Two rows of bits, each above its inverse. */
const ROWS = 4;

/** What is used of the DOM. */
interface VideoElement {
  videoWidth: number;
  currentTime: number;
  paused: boolean;
  ended: boolean;
  requestVideoFrameCallback(listener: (now: number, of: { expectedDisplayTime: number }) => void): number;
  addEventListener(event: string, listener: () => void): void;
}

/** Of one tile in one picture: the luma of its 32 blocks, row by row. */
interface Look {
  atMs: number;
  blocks: number[];
}

interface Reading {
  looks: Look[];
  /** When the player had nothing to play, wall clock in ms. */
  waits: number[];
  /** When the first picture was shown. */
  firstMs: number | null;
}

interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface SeenFrame {
  peer: number;
  counter: number;
  seenMs: number;
}

/** Where the codes of all tiles are in the picture. */
function codeRects(peers: number, width: number, height: number): Rect[] {
  return gridLayout(peers, width, height).map((cell) => {
    const scale = Math.max(cell.width / BASE_WIDTH, cell.height / BASE_HEIGHT);
    const x = cell.x + cell.width / 2 + (CODE_AREA.x - BASE_WIDTH / 2) * scale;
    const y = cell.y + cell.height / 2 + (CODE_AREA.y - BASE_HEIGHT / 2) * scale;
    return { x, y, width: CODE_AREA.width * scale, height: CODE_AREA.height * scale };
  });
}

export class PictureReader {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** From now on. The page has a <video>. */
  static async start(page: Page, peers: number, size: { width: number; height: number }): Promise<PictureReader> {
    const rects = codeRects(peers, size.width, size.height);
    const canvasSize = { width: BITS_PER_ROW * BLOCK_PIXELS, height: ROWS * BLOCK_PIXELS };
    await page.locator('video').evaluate(
      (
        video: VideoElement,
        given: { rects: Rect[]; size: { width: number; height: number }; block: number; picture: number },
      ) => {
        const { document, performance } = globalThis as never as {
          document: { createElement(name: 'canvas'): HTMLCanvasLike };
          performance: { timeOrigin: number; now(): number };
        };
        interface HTMLCanvasLike {
          width: number;
          height: number;
          getContext(
            kind: '2d',
            options: { willReadFrequently: boolean },
          ): {
            drawImage(source: VideoElement, ...places: number[]): void;
            getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray };
          };
        }
        const canvas = document.createElement('canvas');
        Object.assign(canvas, given.size);
        const context = canvas.getContext('2d', { willReadFrequently: true });
        const reading: Reading = { looks: [], waits: [], firstMs: null };
        Object.assign(globalThis, { pictureReading: reading });
        video.addEventListener('waiting', () => reading.waits.push(performance.timeOrigin + performance.now()));
        const look = ({ x, y, width, height }: Rect): number[] => {
          // A smaller rendition shows the same picture.
          const scale = video.videoWidth / given.picture;
          const source = [x, y, width, height].map((value) => value * scale);
          context.drawImage(video, ...source, 0, 0, given.size.width, given.size.height);
          const { data } = context.getImageData(0, 0, given.size.width, given.size.height);
          const blocks: number[] = [];
          for (let top = given.block / 2; top < given.size.height; top += given.block)
            for (let left = given.block / 2; left < given.size.width; left += given.block) {
              const at = (top * given.size.width + left) * 4;
              blocks.push(0.3 * (data[at] ?? 0) + 0.59 * (data[at + 1] ?? 0) + 0.11 * (data[at + 2] ?? 0));
            }
          return blocks;
        };
        const shown = (now: number, { expectedDisplayTime }: { expectedDisplayTime: number }): void => {
          const atMs = performance.timeOrigin + Math.max(now, expectedDisplayTime);
          reading.firstMs ??= atMs;
          for (const rect of given.rects) reading.looks.push({ atMs, blocks: look(rect) });
          video.requestVideoFrameCallback(shown);
        };
        video.requestVideoFrameCallback(shown);
      },
      { rects, size: canvasSize, block: BLOCK_PIXELS, picture: size.width },
    );
    return new PictureReader(page);
  }

  /** What was shown since the last call, in order. */
  async take(): Promise<SeenFrame[]> {
    const looks = await this.#page.evaluate(() =>
      (globalThis as unknown as { pictureReading: Reading }).pictureReading.looks.splice(0),
    );
    return looks.flatMap(({ atMs, blocks }) => {
      const code = decodeBlocks(blocks);
      return code ? [{ peer: code.clip, counter: code.counter, seenMs: atMs }] : [];
    });
  }

  async marks(): Promise<Pick<Reading, 'waits' | 'firstMs'>> {
    return this.#page.evaluate(() => {
      const { waits, firstMs } = (globalThis as unknown as { pictureReading: Reading }).pictureReading;
      return { waits, firstMs };
    });
  }
}

/** Row by row: 8 bits, their inverses, 8 bits, their inverses. */
export function decodeBlocks(blocks: readonly number[]): { clip: number; counter: number } | null {
  let bits = 0;
  for (let i = 0; i < 2 * BITS_PER_ROW; i++) {
    const row = 2 * Math.floor(i / BITS_PER_ROW);
    const at = row * BITS_PER_ROW + (i % BITS_PER_ROW);
    const difference = (blocks[at] ?? 0) - (blocks[at + BITS_PER_ROW] ?? 0);
    if (Math.abs(difference) < MIN_CONTRAST) return null;
    bits = (bits << 1) | (difference > 0 ? 1 : 0);
  }
  return decodeFrameCode(bits);
}
