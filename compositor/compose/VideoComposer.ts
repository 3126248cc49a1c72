/**
 * Draws the program's picture. In: the stage (what is where) and the sources' pictures; out: the canvas, once for each
 * frame of the grid; next: encode/VideoEncoder.ts. A tile is drawn again only when what it shows has changed.
 *
 * Three ways onto the canvas:
 * - A tile that touches no other one and is not faded is scaled straight into its cell; then its corners, border and label.
 * - Tiles that overlap, or are faded, are scaled into sprites of their own. When one has changed, its cell is painted anew from the
 *   backdrop up, all that are there in order, clipped to it.
 * - Damage, where a layer came, went or changed, is painted as backdrop and layers; tiles there are drawn again by the other ways.
 * Each begins with something opaque, so that nothing is ever blended twice onto the same samples; layers over it come last. While tiles
 * move, all is damage, and painted once from the bottom to the top.
 */
import type { Logger } from '../../src/common/logger.ts';
import type { SourceId } from '../../src/contracts/ids.ts';
import type { Cell } from '../../src/layout/grid.ts';
import type { Picture } from '../decode/VideoDecoder.ts';
import { Canvas, type Sprite } from './Canvas.ts';
import { placeLabel } from './labels.ts';
import { Motion, type PaintedTile } from './Motion.ts';
import { cornerMask } from './masks.ts';
import { drawOverlay, OPAQUE } from './Overlay.ts';
import { drawBorder, drawRounded, finishTile, paintBackdrop } from './paint.ts';
import { intersection } from './rects.ts';
import type { Stage } from './Stage.ts';
import { TileView } from './TileView.ts';

/** The picture of a source for the frame that is composed; null when there is none. */
export type PictureOf = (source: SourceId) => Picture | null;

/** A tile of the frame that is composed. */
interface Painted {
  tile: PaintedTile;
  view: TileView;
  /** It touches no other tile, and nothing shines through it. */
  alone: boolean;
  dirty: boolean;
  /** 0…256. */
  opacity: number;
  /** The card that is drawn as it is. */
  card: Sprite | null;
}

export class VideoComposer {
  readonly canvas: Canvas;
  readonly #logger: Logger;
  readonly #fps: number;
  readonly #whole: Cell;
  readonly #views = new Map<string, TileView>();
  #stage: Stage | null = null;
  #motion: Motion | null = null;
  /** Where backdrop or layers are others than what is drawn. */
  #damage: Cell[] = [];
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: { width: number; height: number; fps: number; logger: Logger }) {
    this.canvas = new Canvas(options.width, options.height);
    this.#whole = { x: 0, y: 0, width: options.width, height: options.height };
    this.#fps = options.fps;
    this.#logger = options.logger;
  }

  /** Whether tiles are on their way. */
  get isMoving(): boolean {
    return this.#motion !== null;
  }

  /** Tiles on their way out of the picture. */
  get leaving(): readonly PaintedTile[] {
    return this.#motion?.leaving ?? [];
  }

  /** From `frame` on, by a transition that begins there; the first stage is simply there. */
  setStage(stage: Stage, frame: number): void {
    const before = this.#stage;
    this.#stage = stage;
    if (!before) {
      this.#damage = [this.#whole];
    } else if (before.places !== stage.places) {
      const from = this.#tilesAt(before, frame - 1);
      const { width, height } = this.canvas;
      const options = { fromFrame: frame, fps: this.#fps, transition: stage.transition, width, height };
      this.#motion = new Motion(from, stage.tiles, options);
      this.#damage = [this.#whole];
    } else {
      this.#motion?.setTarget(stage.tiles);
      const { color, picture } = before.backdrop;
      const sameBackdrop = picture === stage.backdrop.picture && color.join() === stage.backdrop.color.join();
      if (!sameBackdrop) this.#damage = [this.#whole];
      else this.#damage.push(...changedLayers(before, stage));
    }
  }

  /** Draws frame `frame` of the grid, at program time `timeMs`; pictures must stay until this has resolved. */
  async compose(frame: number, timeMs: number, pictureOf: PictureOf): Promise<void> {
    const stage = this.#stage;
    if (!stage) return;
    this.canvas.begin();
    if (this.#motion?.isOver(frame)) {
      this.#motion = null;
      this.#damage = [this.#whole];
    }
    const tiles = this.#tilesAt(stage, frame);
    if (this.#motion) this.#damage = [this.#whole];
    else this.#dropViews(tiles);
    const damage = this.#damage;
    const painted = tiles.map((tile) => this.#prepare(stage, tile, tiles, timeMs, pictureOf, damage));
    this.#damage = [];
    if (damage.includes(this.#whole)) {
      paintBackdrop(this.canvas, stage.backdrop, this.#whole);
      await Promise.all(painted.map((item) => this.#scale(stage, item)));
      for (const item of painted) if (!item.alone) this.#paintTile(stage, item, item.tile.cell);
      this.#paintLayers(stage, this.#whole);
      return;
    }
    for (const part of damage) {
      paintBackdrop(this.canvas, stage.backdrop, part);
      this.#paintLayers(stage, part);
    }
    await Promise.all(painted.map((item) => this.#scale(stage, item)));
    const changed = painted.filter(({ dirty }) => dirty);
    for (const { tile, alone } of changed) {
      if (!alone) {
        paintBackdrop(this.canvas, stage.backdrop, tile.cell);
        for (const item of painted) if (!item.alone) this.#paintTile(stage, item, tile.cell);
      }
      this.#paintLayers(stage, tile.cell);
    }
  }

  close(): void {
    for (const view of this.#views.values()) view.close();
    this.#views.clear();
    this.canvas.close();
  }

  #tilesAt(stage: Stage, frame: number): PaintedTile[] {
    return this.#motion?.tilesAt(frame) ?? stage.tiles.map((tile) => ({ ...tile, opacity: 1 }));
  }

  #dropViews(tiles: readonly PaintedTile[]): void {
    if (this.#views.size === tiles.length) return;
    const kept = new Set(tiles.map(({ key }) => key));
    for (const [key, view] of this.#views) {
      if (kept.has(key)) continue;
      view.close();
      this.#views.delete(key);
    }
  }

  #prepare(
    stage: Stage,
    tile: PaintedTile,
    tiles: readonly PaintedTile[],
    timeMs: number,
    pictureOf: PictureOf,
    damage: readonly Cell[],
  ): Painted {
    const view = this.#views.get(tile.key) ?? new TileView();
    this.#views.set(tile.key, view);
    const opacity = Math.round(tile.opacity * OPAQUE);
    const alone = opacity === OPAQUE && tiles.every((other) => other === tile || !intersection(other.cell, tile.cell));
    const painted: Painted = { tile, view, alone, opacity, dirty: false, card: null };
    const leaving = !stage.tiles.some(({ key }) => key === tile.key);
    try {
      painted.dirty = view.update(tile, tile.source === null ? null : pictureOf(tile.source), timeMs, leaving);
    } catch (error) {
      this.#cannotDraw(painted, error);
    }
    // Its samples in the canvas go with the damage, and its label may have to make room.
    painted.dirty ||= damage.some((part) => intersection(part, tile.cell));
    return painted;
  }

  async #scale(stage: Stage, painted: Painted): Promise<void> {
    const { tile, view, alone } = painted;
    if (!painted.dirty) return;
    try {
      painted.card = view.place(tile);
      if (!painted.card && !alone) await view.scaler.scale();
      if (!alone) return;
      if (view.leavesBars(tile.cell)) paintBackdrop(this.canvas, stage.backdrop, tile.cell);
      if (painted.card) this.canvas.blit(painted.card, tile.cell.x, tile.cell.y);
      else await view.scaler.scaleInto(this.canvas);
    } catch (error) {
      this.#cannotDraw(painted, error);
      painted.card = view.place(tile);
      if (!alone || !painted.card) return;
      this.canvas.blit(painted.card, tile.cell.x, tile.cell.y);
    }
    const mask = cornerMask(tile.radius, tile.frame?.width ?? 0, view.area.width, view.area.height);
    finishTile(this.canvas, view.area, tile.frame, mask, stage.backdrop);
    this.#paintLabel(stage, painted, tile.cell);
  }

  #paintTile(stage: Stage, painted: Painted, part: Cell): void {
    const { tile, view, opacity } = painted;
    const clip = intersection(part, tile.cell);
    if (!clip) return;
    const { area } = view;
    const border = tile.frame?.width ?? 0;
    const mask = cornerMask(tile.radius, border, area.width, area.height);
    if (tile.frame) drawBorder(this.canvas, area, tile.frame, mask, clip, opacity);
    const sprite = painted.card ?? view.place(tile) ?? view.scaler.sprite;
    drawRounded(this.canvas, sprite, area, mask, border, clip, opacity);
    this.#paintLabel(stage, painted, clip);
  }

  #paintLabel({ layers }: Stage, { tile, view, opacity }: Painted, clip: Cell): void {
    if (!tile.label) return;
    const { overlay, margin } = tile.label;
    const obstacles = [...layers.map(({ cell }) => cell), ...tile.inFront];
    const { x, y } = placeLabel({ cell: tile.cell, area: view.area, radius: tile.radius, margin }, overlay, obstacles);
    const visible = intersection(clip, tile.cell);
    if (visible) drawOverlay(this.canvas, overlay, x, y, visible, opacity);
  }

  #paintLayers({ layers }: Stage, clip: Cell): void {
    for (const { overlay, cell } of layers) {
      if (intersection(cell, clip)) drawOverlay(this.canvas, overlay, cell.x, cell.y, clip);
    }
  }

  #cannotDraw(painted: Painted, error: unknown): void {
    painted.view.showCard(painted.tile);
    painted.dirty = true;
    const now = performance.now();
    if (now - this.#warnedAt < 1000) return;
    this.#warnedAt = now;
    this.#logger.warn({ source: painted.tile.source, err: error }, 'a picture could not be drawn');
  }
}

/** Where a layer of the one stage is not in the other. */
function changedLayers(before: Stage, after: Stage): Cell[] {
  const missing = (a: Stage, b: Stage) =>
    a.layers.filter(
      ({ overlay, cell }) =>
        !b.layers.some((other) => other.overlay === overlay && other.cell.x === cell.x && other.cell.y === cell.y),
    );
  return [...missing(before, after), ...missing(after, before)].map(({ cell }) => cell);
}
