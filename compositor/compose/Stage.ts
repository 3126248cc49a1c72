/**
 * What a job looks like, worked out before it holds: tiles with their cards and labels drawn, and the layers over the whole program. In:
 * a composition and uploaded images; out: a stage; next: VideoComposer.ts. Everything is kept by what it shows, so a change of
 * who speaks draws nothing, and a name that comes back is there.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { SourceId } from '../../src/contracts/ids.ts';
import type { Scene, Transition } from '../../src/contracts/scene.ts';
import type { Cell } from '../../src/layout/grid.ts';
import { arrange, type Composition, type Tile } from '../../src/layout/tiles.ts';
import type { Sprite } from './Canvas.ts';
import { drawPlaceholder, drawSlate } from './cards.ts';
import { yuvOfHex } from './color.ts';
import { drawCover, drawLogo, type ImageAssets, type ImageBox, NO_ASSETS, type ProgramImage } from './images.ts';
import { drawLabel, hasRoomForTitle, labelDrop, labelMargin, labelSize } from './labels.ts';
import { type LayerPlaces, type LayerSizes, placeLayers, safeArea } from './layers.ts';
import type { Overlay } from './Overlay.ts';
import type { Backdrop, Frame } from './paint.ts';
import { evenDown, evenUp, intersection } from './rects.ts';
import { SpriteCache } from './SpriteCache.ts';
import { captionsHeight, drawCaptions, drawLowerThird } from './titles.ts';

export interface StagedTile extends Tile {
  /** Shown when there is no picture; as large as the cell. */
  card: Sprite;
  label: { overlay: Overlay; margin: number } | null;
  /** What is in front of it: its label makes room. */
  inFront: readonly Cell[];
  /** The border, or the mark of who speaks. */
  frame: Frame | null;
}

/** Something over the whole program. */
export interface Layer {
  overlay: Overlay;
  cell: Cell;
}

export interface Stage {
  /** Empty: the backdrop is the slate. */
  tiles: readonly StagedTile[];
  backdrop: Backdrop;
  layers: readonly Layer[];
  transition: Transition;
  /** Equal when every tile is where it was, and looks the same but for labels and marks. */
  places: string;
}

export const sourcesSeen = (stage: Pick<Stage, 'tiles'>): SourceId[] =>
  stage.tiles.flatMap((tile) => tile.source ?? []);

const SPEAKING_COLOR = '#37d67a';
/** Of the program's shorter side. */
const SPEAKING_WIDTH = 0.006;
/** A lower third and a logo are at most this wide, of the safe area. */
const WIDEST_TITLE = 0.8;
const WIDEST_LOGO = 0.4;
/** The largest that an avatar and a logo are seen, of the program's shorter side: images are decoded for that. */
const AVATAR_SIDE = 0.54;
const LOGO_HEIGHT = 0.5;

export class Stager {
  readonly #program: { width: number; height: number };
  /** The program's shorter side: lengths are fractions of it. */
  readonly #unit: number;
  readonly #assets: ImageAssets;
  readonly #cache = new SpriteCache();

  constructor(width: number, height: number, assets: ImageAssets = NO_ASSETS) {
    this.#program = { width, height };
    this.#unit = Math.min(width, height);
    this.#assets = assets;
  }

  async stage(composition: Composition): Promise<Stage> {
    const { scene } = composition;
    const { width, height } = this.#program;
    const arranged = arrange(composition, width, height);
    const tiles: StagedTile[] = [];
    for (const [i, tile] of arranged.entries()) tiles.push(await this.#tile(tile, arranged.slice(i + 1), scene));
    const color = yuvOfHex(scene.background);
    const picture = tiles.length > 0 ? await this.#background(scene) : await this.slate(scene);
    const places = tiles.map(({ key, cell, fit, radius }) =>
      [key, cell.x, cell.y, cell.width, cell.height, fit, radius].join(),
    );
    return {
      tiles,
      backdrop: { color, picture },
      layers: await this.#layers(scene, tiles.length > 0),
      transition: scene.transition,
      places: places.join(' '),
    };
  }

  /** The picture of an empty program. */
  async slate({ slateText, slateImage, background }: Scene): Promise<Sprite> {
    const { width, height } = this.#program;
    const image = await this.#image(slateImage, this.#program);
    if (image) {
      return this.#drawn(`slate,${slateImage},${background}`, () => drawCover(image, background, width, height));
    }
    return this.#drawn(`slate,${background},${slateText}`, () => drawSlate(slateText, background, width, height));
  }

  async #tile(tile: Tile, later: readonly Tile[], scene: Scene): Promise<StagedTile> {
    const { width, height } = tile.cell;
    const size = labelSize(tile.cell, this.#unit);
    const margin = labelMargin(tile.cell, size, tile.radius);
    const text = {
      name: scene.names ? tile.name : '',
      title: scene.names && hasRoomForTitle(tile.cell, size) ? tile.title : '',
      muted: scene.marks.muted && tile.muted,
    };
    const room = width - 2 * margin;
    const overlay = await this.#drawn(JSON.stringify(['label', size, room, text]), () => drawLabel(text, size, room));
    const avatar = await this.#image(tile.avatar, {
      width: AVATAR_SIDE * this.#unit,
      height: AVATAR_SIDE * this.#unit,
    });
    const free = overlay ? height - overlay.height - labelDrop(tile.cell, overlay, margin, tile.radius) : height;
    const card = await this.#drawn(
      JSON.stringify(['card', width, height, free, tile.peer, tile.name, avatar && tile.avatar]),
      () => drawPlaceholder(tile.peer, tile.name, { width, height, free }, avatar),
    );
    const { border } = tile;
    let frame: Frame | null = border && { width: border.width, color: yuvOfHex(border.color) };
    if (scene.marks.speaking && tile.speaking) {
      const mark = Math.max(2, evenUp(this.#unit * SPEAKING_WIDTH), frame?.width ?? 0);
      frame = { width: Math.min(mark, evenDown(Math.min(width, height) / 4)), color: yuvOfHex(SPEAKING_COLOR) };
    }
    return {
      ...tile,
      card,
      label: overlay && { overlay, margin },
      inFront: later.map(({ cell }) => cell).filter((cell) => intersection(cell, tile.cell)),
      frame: frame && frame.width > 0 ? frame : null,
    };
  }

  async #background({ background, backgroundImage }: Scene): Promise<Sprite | null> {
    const image = await this.#image(backgroundImage, this.#program);
    if (!image) return null;
    const { width, height } = this.#program;
    return this.#drawn(`background,${backgroundImage},${background}`, () =>
      drawCover(image, background, width, height),
    );
  }

  /** Over the slate there is only the logo. */
  async #layers({ lowerThird, captions, logo }: Scene, onAir: boolean): Promise<Layer[]> {
    const unit = this.#unit;
    const program = this.#program;
    const safe = safeArea(program);
    const image = await this.#image(logo?.image ?? null, { width: 1, height: LOGO_HEIGHT * unit });
    const overlays: Record<keyof LayerPlaces, Overlay | null> = {
      captions:
        onAir && captions.trim() !== ''
          ? await this.#drawn(`captions,${captions}`, () => drawCaptions(captions, unit, safe.width))
          : null,
      lowerThird:
        onAir && lowerThird
          ? await this.#drawn(JSON.stringify(['lower', lowerThird]), () =>
              drawLowerThird(lowerThird.title, lowerThird.subtitle, unit, safe.width * WIDEST_TITLE),
            )
          : null,
      logo:
        logo && image
          ? await this.#drawn(JSON.stringify(['logo', logo.image, logo.size, logo.opacity]), () =>
              drawLogo(image, logo.size * unit, safe.width * WIDEST_LOGO, logo.opacity),
            )
          : null,
    };
    const sizes: LayerSizes = {
      captions: overlays.captions,
      captionsHeight: captionsHeight(unit),
      lowerThird: overlays.lowerThird,
      logo: overlays.logo && logo && { width: overlays.logo.width, height: overlays.logo.height, corner: logo.corner },
    };
    const places = placeLayers(program, sizes);
    return (['logo', 'lowerThird', 'captions'] as const).flatMap((name) => {
      const [overlay, cell] = [overlays[name], places[name]];
      return overlay && cell ? [{ overlay, cell }] : [];
    });
  }

  async #image(id: string | null, { width, height }: ImageBox): Promise<ProgramImage | null> {
    return id === null ? null : this.#assets.image(id, { width: Math.ceil(width), height: Math.ceil(height) });
  }

  /** Drawing one takes up to 5 ms: between two, other work has its turn. */
  async #drawn<T extends Sprite | Overlay | null>(key: string, draw: () => T): Promise<T> {
    if (this.#cache.has(key)) return this.#cache.get(key) as T;
    const made = draw();
    this.#cache.set(key, made);
    await turn();
    return made;
  }
}
