/**
 * A change of the picture on its way: where each tile is in a frame of the grid, by layout/transition.ts. Tiles that are in both
 * arrangements look as in the new one; those that leave, as in the old one.
 */
import type { Transition } from '../../src/contracts/scene.ts';
import { between, phaseAt, transitionFrames } from '../../src/layout/transition.ts';
import { evenDown, intersection } from './rects.ts';
import type { StagedTile } from './Stage.ts';

export interface PaintedTile extends StagedTile {
  /** 0…1. */
  opacity: number;
}

export class Motion {
  readonly #from: readonly PaintedTile[];
  #to: readonly StagedTile[];
  readonly #fromFrame: number;
  readonly #fps: number;
  readonly #transition: Transition;
  readonly #program: { x: 0; y: 0; width: number; height: number };

  constructor(
    from: readonly PaintedTile[],
    to: readonly StagedTile[],
    options: { fromFrame: number; fps: number; transition: Transition; width: number; height: number },
  ) {
    this.#from = from;
    this.#to = to;
    this.#fromFrame = options.fromFrame;
    this.#fps = options.fps;
    this.#transition = options.transition;
    this.#program = { x: 0, y: 0, width: options.width, height: options.height };
  }

  /** The same places, with other labels or marks. */
  setTarget(to: readonly StagedTile[]): void {
    this.#to = to;
  }

  isOver(frame: number): boolean {
    return frame >= this.#fromFrame + transitionFrames(this.#transition, this.#fps);
  }

  /** Tiles that are not in the new arrangement: they are seen until it is over. */
  get leaving(): PaintedTile[] {
    const staying = new Set(this.#to.map(({ key }) => key));
    return this.#from.filter(({ key }) => !staying.has(key));
  }

  /** In painting order. */
  tilesAt(frame: number): PaintedTile[] {
    const staged = new Map([...this.#from, ...this.#to].map((tile) => [tile.key, tile]));
    const phase = phaseAt(frame, this.#fromFrame, this.#fps, this.#transition);
    return between(this.#from, this.#to, phase).flatMap((tile) => {
      const look = staged.get(tile.key);
      // Outside the canvas is other memory: whatever was computed, nothing is drawn there.
      const cell = intersection(tile.cell, this.#program);
      if (!look || !cell || cell.width < 4 || cell.height < 4) return [];
      const border = look.frame && { ...look.frame, width: Math.min(look.frame.width, evenDown(cell.height / 4)) };
      return [{ ...look, ...tile, cell, frame: border }];
    });
  }
}
