/** What a job looks like, worked out before it holds: tiles with their cards drawn, or the slate. */
import { setImmediate as turn } from 'node:timers/promises';
import { arrange, type Composition, type Tile } from '../../src/layout/tiles.ts';
import type { Sprite } from './Canvas.ts';
import { drawPlaceholder, drawSlate } from './cards.ts';
import { type Yuv, yuvOfHex } from './color.ts';

export interface StagedTile extends Tile {
  placeholder: Sprite;
}

export interface Stage {
  tiles: readonly StagedTile[];
  background: Yuv;
  /** Only when there are no tiles. */
  slate: Sprite | null;
  /** Equal when all cells and the background are. */
  geometry: string;
}

/** Cards of this many kinds are kept: 16 people at two sizes. */
const MAX_CARDS = 32;

/** Draws cards, and keeps those that may come again. A card takes about 5 ms: between two, other work has its turn. */
export class Stager {
  readonly #width: number;
  readonly #height: number;
  readonly #cards = new Map<string, Sprite>();

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
  }

  async stage(composition: Composition): Promise<Stage> {
    const { scene } = composition;
    const tiles: StagedTile[] = [];
    for (const tile of arrange(composition, this.#width, this.#height)) {
      const { width, height } = tile.cell;
      const placeholder = await this.#card(`p,${width},${height},${tile.peer},${tile.name}`, () =>
        drawPlaceholder(tile.peer, tile.name, width, height),
      );
      tiles.push({ ...tile, placeholder });
    }
    const cells = tiles.map(({ cell }) => [cell.x, cell.y, cell.width, cell.height].join());
    return {
      tiles,
      background: yuvOfHex(scene.background),
      slate: tiles.length > 0 ? null : await this.slate(scene.slateText, scene.background),
      geometry: [scene.background, ...cells].join(' '),
    };
  }

  slate(text: string, background: string): Promise<Sprite> {
    return this.#card(`s,${background},${text}`, () => drawSlate(text, background, this.#width, this.#height));
  }

  async #card(key: string, make: () => Sprite): Promise<Sprite> {
    const known = this.#cards.get(key);
    const card = known ?? make();
    this.#cards.delete(key);
    this.#cards.set(key, card);
    const oldest = this.#cards.keys().next();
    if (this.#cards.size > MAX_CARDS && !oldest.done) this.#cards.delete(oldest.value);
    if (!known) await turn();
    return card;
  }
}
