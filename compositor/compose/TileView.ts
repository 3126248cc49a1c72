/** What stands in one tile of the canvas: its scaler, and what was drawn with it last. */

import type { Cell } from '../../src/layout/grid.ts';
import type { Picture } from '../decode/VideoDecoder.ts';
import type { Sprite } from './Canvas.ts';
import { CellScaler } from './CellScaler.ts';
import type { PaintedTile } from './Motion.ts';
import { sameRect } from './rects.ts';

/** A camera sends at least some frames a second: without one for this long its picture is history, ms. */
const CAMERA_STALE_MS = 2000;
/** Browsers repeat a still screen about once a second. */
const SCREEN_STALE_MS = 10_000;

export class TileView {
  readonly scaler = new CellScaler();
  /** What is seen of the tile: the cell, less the bars of a picture that does not fill it. */
  area: Cell = { x: 0, y: 0, width: 0, height: 0 };
  #drawn: unknown = null;
  #label: unknown = null;
  #frame = '';
  #card: Sprite | null = null;

  /**
   * Takes what the tile shows at `timeMs`; answers whether that, or its label or border, is another than last time.
   * `leaving`: the tile is on its way out, and what it showed last is better than its card.
   */
  update(tile: PaintedTile, picture: Picture | null, timeMs: number, leaving: boolean): boolean {
    const frame = tile.frame ? [tile.frame.width, ...tile.frame.color].join() : '';
    const label = tile.label?.overlay ?? null;
    const dressed = frame !== this.#frame || label !== this.#label;
    this.#frame = frame;
    this.#label = label;
    return this.#show(tile, picture, timeMs, leaving) || dressed;
  }

  #show(tile: PaintedTile, picture: Picture | null, timeMs: number, leaving: boolean): boolean {
    const staleMs = tile.fit === 'contain' ? SCREEN_STALE_MS : CAMERA_STALE_MS;
    if (tile.source !== null && picture && timeMs - picture.playoutMs <= staleMs) {
      if (this.#drawn === picture) return false;
      this.scaler.take(picture.frame);
      this.#drawn = picture;
      this.#card = null;
      return true;
    }
    if (leaving && this.scaler.holds && this.#card === null) return false;
    return this.showCard(tile);
  }

  /** Answers whether it was another. */
  showCard(tile: PaintedTile): boolean {
    if (this.#drawn === tile.card) return false;
    this.#drawn = tile.card;
    this.#card = tile.card;
    this.scaler.takeCard(tile.card);
    return true;
  }

  /** Sets up for the tile's place. Answers the card that is drawn there as it is; null: there is something to scale. */
  place(tile: PaintedTile): Sprite | null {
    const { cell } = tile;
    if (this.#card && this.#card.width === cell.width && this.#card.height === cell.height) {
      this.area = cell;
      return this.#card;
    }
    this.scaler.place(cell, this.#card ? 'cover' : tile.fit);
    this.area = this.scaler.target;
    return null;
  }

  /** Whether bars are left free in the cell. */
  leavesBars(cell: Cell): boolean {
    return !sameRect(this.area, cell);
  }

  /** Not while its scaler works. */
  close(): void {
    this.scaler.close();
  }
}
