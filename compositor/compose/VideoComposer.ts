/**
 * Draws the program's picture. In: the stage (what is where) and the sources' pictures; out: the canvas, once for each
 * frame of the grid; next: encode/VideoEncoder.ts. A cell is drawn again only when what it shows has changed.
 */
import type { Logger } from '../../src/common/logger.ts';
import type { SourceId } from '../../src/contracts/ids.ts';
import type { Picture } from '../decode/VideoDecoder.ts';
import { Canvas } from './Canvas.ts';
import { CellScaler } from './CellScaler.ts';
import type { Stage, StagedTile } from './Stage.ts';

/** A camera sends at least some frames a second: without one for this long its picture is history, ms. */
const CAMERA_STALE_MS = 2000;
/** Browsers repeat a still screen about once a second. */
const SCREEN_STALE_MS = 10_000;

/** The picture of a source for the frame that is composed; null when there is none. */
export type PictureOf = (source: SourceId) => Picture | null;

interface CellState {
  scaler: CellScaler;
  /** What is in the cell: a picture or a card. */
  drawn: unknown;
}

export class VideoComposer {
  readonly canvas: Canvas;
  readonly #logger: Logger;
  #stage: Stage | null = null;
  #cells: CellState[] = [];
  #cleared = false;
  #drawnSlate: unknown = null;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(width: number, height: number, logger: Logger) {
    this.canvas = new Canvas(width, height);
    this.#logger = logger;
  }

  /** From the next `compose` on. */
  setStage(stage: Stage): void {
    if (stage.geometry !== this.#stage?.geometry || stage.slate) {
      for (const { scaler } of this.#cells) scaler.close();
      this.#cells = stage.tiles.map(() => ({ scaler: new CellScaler(), drawn: null }));
      this.#cleared = false;
    }
    this.#stage = stage;
  }

  /** Draws the frame at program time `timeMs`; pictures must stay until this has resolved. */
  async compose(timeMs: number, pictureOf: PictureOf): Promise<void> {
    const stage = this.#stage;
    if (!stage) return;
    this.canvas.begin();
    if (stage.slate) {
      if (this.#drawnSlate !== stage.slate) this.canvas.blit(stage.slate, 0, 0);
      this.#drawnSlate = stage.slate;
      return;
    }
    if (!this.#cleared) {
      const { width, height } = this.canvas;
      this.canvas.fill({ x: 0, y: 0, width, height }, stage.background);
      this.#drawnSlate = null;
      this.#cleared = true;
    }
    await Promise.all(
      stage.tiles.map(async (tile, i) => {
        const cell = this.#cells[i];
        if (cell) await this.#drawTile(stage, tile, cell, timeMs, pictureOf);
      }),
    );
  }

  close(): void {
    for (const { scaler } of this.#cells) scaler.close();
    this.#cells = [];
    this.canvas.close();
  }

  async #drawTile(
    stage: Stage,
    tile: StagedTile,
    state: CellState,
    timeMs: number,
    pictureOf: PictureOf,
  ): Promise<void> {
    const picture = tile.source === null ? null : pictureOf(tile.source);
    const staleMs = tile.fit === 'contain' ? SCREEN_STALE_MS : CAMERA_STALE_MS;
    if (!picture || timeMs - picture.playoutMs > staleMs) {
      this.#drawCard(tile, state);
      return;
    }
    if (state.drawn === picture) return;
    try {
      const moved = state.scaler.prepare(picture.frame, tile.cell, tile.fit);
      // What the picture leaves free of its cell still has what was there before.
      if (moved || !isPicture(state.drawn)) {
        const target = state.scaler.target;
        if (target && (target.width !== tile.cell.width || target.height !== tile.cell.height)) {
          this.canvas.fill(tile.cell, stage.background);
        }
      }
      await state.scaler.draw(picture.frame, this.canvas);
      state.drawn = picture;
    } catch (error) {
      this.#warn(tile.source, error);
      state.scaler.close();
      this.#drawCard(tile, state);
    }
  }

  #drawCard(tile: StagedTile, state: CellState): void {
    if (state.drawn === tile.placeholder) return;
    this.canvas.blit(tile.placeholder, tile.cell.x, tile.cell.y);
    state.drawn = tile.placeholder;
  }

  #warn(source: SourceId | null, error: unknown): void {
    const now = performance.now();
    if (now - this.#warnedAt < 1000) return;
    this.#warnedAt = now;
    this.#logger.warn({ source, err: error }, 'a picture could not be drawn');
  }
}

const isPicture = (drawn: unknown): boolean => drawn !== null && typeof drawn === 'object' && 'playoutMs' in drawn;
