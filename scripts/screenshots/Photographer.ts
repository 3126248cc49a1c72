/** Takes each state on a phone and on a desk, in dark and light, as WebP. In: a page in a state. Out: files of a folder. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import type { Page } from 'playwright-core';

const VIEWS = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
} as const;
export type View = keyof typeof VIEWS;
const SCHEMES = ['dark', 'light'] as const;
/** WebP's, 0 to 100: at 80 small type has no visible blocks. */
const QUALITY = 80;

export class Photographer {
  readonly #folder: string;
  readonly #taken = new Set<string>();
  bytes = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(folder: string): Promise<Photographer> {
    await mkdir(folder, { recursive: true });
    return new Photographer(folder);
  }

  get count(): number {
    return this.#taken.size;
  }

  /** Four pictures of the page as it is, or as `prepare` makes it for each view. */
  async take(page: Page, name: string, prepare?: (view: View) => Promise<void>): Promise<void> {
    for (const view of ['phone', 'desktop'] as const) {
      await page.setViewportSize(VIEWS[view]);
      await prepare?.(view);
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        // Two frames: one with the new colours, and one that shows it.
        await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
        await this.#write(`${name}-${view}-${colorScheme}.webp`, await page.screenshot());
      }
    }
  }

  /** Removes what no shot takes any more. */
  async tidy(): Promise<void> {
    for (const file of await readdir(this.#folder)) if (!this.#taken.has(file)) await rm(join(this.#folder, file));
  }

  async #write(file: string, png: Buffer): Promise<void> {
    const image = await loadImage(png);
    const canvas = createCanvas(image.width, image.height);
    canvas.getContext('2d').drawImage(image, 0, 0);
    const webp = canvas.encodeSync('webp', QUALITY);
    await writeFile(join(this.#folder, file), webp);
    this.#taken.add(file);
    this.bytes += webp.length;
  }
}
