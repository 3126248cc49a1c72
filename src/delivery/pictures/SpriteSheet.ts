/** Many small pictures in one JPEG, row by row. In: pictures of any size. Out: the sheet so far, as many rows as it has. */
import type { Frame } from 'node-av';
import { encodeJpeg, newPicture, type Size, scaled } from './jpegPicture.ts';

export const SHEET_COLUMNS = 10;
export const SHEET_ROWS = 10;
export const SHEET_TILES = SHEET_COLUMNS * SHEET_ROWS;
/** Luma, Cb and Cr of black in full range. */
const BLACK = [0, 128, 128] as const;

export class SpriteSheet {
  readonly tile: Size;
  readonly #sheet: Frame;
  #tiles = 0;
  #closed = false;

  constructor(tile: Size) {
    this.tile = tile;
    this.#sheet = newPicture({ width: tile.width * SHEET_COLUMNS, height: tile.height * SHEET_ROWS });
    for (const [i, plane] of (this.#sheet.data ?? []).entries()) plane.fill(BLACK[i] ?? 0);
  }

  get tiles(): number {
    return this.#tiles;
  }

  get full(): boolean {
    return this.#tiles === SHEET_TILES;
  }

  /** Adds the picture as the next tile; its place. The caller frees the picture. */
  async add(picture: Frame): Promise<void> {
    if (this.#closed || this.full) throw new Error('the sheet takes no more');
    const small = await scaled(picture, this.tile);
    try {
      const { x, y } = tileAt(this.#tiles, this.tile);
      blit(small, this.#sheet, x, y);
      this.#tiles += 1;
    } finally {
      small.free();
    }
  }

  /** One call at a time, and no `add` meanwhile. */
  async jpeg(): Promise<Buffer> {
    if (this.#closed) throw new Error('the sheet is closed');
    // What has no tile yet is left out: the encoder looks at the upper rows only.
    this.#sheet.height = Math.max(1, Math.ceil(this.#tiles / SHEET_COLUMNS)) * this.tile.height;
    return encodeJpeg(this.#sheet);
  }

  /** Idempotent. Not while `add` or `jpeg` runs. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sheet.free();
  }
}

/** Where tile `index` of a sheet is, pixels. */
export const tileAt = (index: number, { width, height }: Size): { x: number; y: number } => ({
  x: (index % SHEET_COLUMNS) * width,
  y: Math.floor(index / SHEET_COLUMNS) * height,
});

function blit(from: Frame, to: Frame, x: number, y: number): void {
  for (const i of [0, 1, 2]) {
    const shift = i === 0 ? 0 : 1;
    const source = from.data?.[i];
    const target = to.data?.[i];
    const [fromStride = 0, toStride = 0] = [from.linesize[i], to.linesize[i]];
    if (!source || !target) throw new Error('not a planar picture');
    for (let row = 0; row < from.height >> shift; row++) {
      const at = row * fromStride;
      source.copy(target, ((y >> shift) + row) * toStride + (x >> shift), at, at + (from.width >> shift));
    }
  }
}
