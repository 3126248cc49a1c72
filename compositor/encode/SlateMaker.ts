/**
 * Makes one segment of slate of each video rendition in the broadcast's own encoding, from an encoder of its own with the same
 * settings, so that delivery can fill holes with it. A GOP at once would take half a second of a core just when the program begins; so
 * the pipeline calls `step` after each of its frames, and the largest rendition's slate is there two seconds later. Another slate
 * (the scene has a new one) is made and put in the same way.
 */
import type { Grid } from '../../src/contracts/grid.ts';
import type { RenditionId } from '../../src/contracts/ids.ts';
import type { EncoderSettings, VideoRendition } from '../../src/contracts/job.ts';
import { Canvas, type Sprite } from '../compose/Canvas.ts';
import type { Fragmenter } from '../output/Fragmenter.ts';
import { pictureFormatOf } from './codecs.ts';
import { videoFragmenter } from './fragmenters.ts';
import { PictureScaler } from './PictureScaler.ts';
import { VideoEncoder } from './VideoEncoder.ts';

export interface SlateMakerOptions {
  /** The first one has the size of the slate. */
  renditions: readonly VideoRendition[];
  grid: Grid;
  settings: EncoderSettings;
  slate: Sprite;
}

export interface MadeSlate {
  rendition: RenditionId;
  bytes: Buffer;
}

/** What works on one rendition. */
interface Work {
  rendition: VideoRendition;
  encoder: VideoEncoder;
  fragmenter: Fragmenter;
  scaler: PictureScaler;
  frame: number;
}

export class SlateMaker {
  readonly #grid: Grid;
  readonly #settings: EncoderSettings;
  readonly #renditions: readonly VideoRendition[];
  #slate: Sprite;
  /** Holds the slate while it is being made. */
  #canvas: Canvas | null = null;
  /** Whether the slate is another than what is being made, or was made last. */
  #isNew = true;
  #todo: VideoRendition[] = [];
  #work: Work | null = null;
  #closed = false;

  private constructor({ renditions, grid, settings, slate }: SlateMakerOptions) {
    this.#grid = grid;
    this.#settings = settings;
    this.#renditions = renditions;
    this.#slate = slate;
  }

  static async create(options: SlateMakerOptions): Promise<SlateMaker> {
    const maker = new SlateMaker(options);
    try {
      // Opening takes time as well: here nothing waits for it yet.
      await maker.#begin();
      return maker;
    } catch (error) {
      maker.close();
      throw error;
    }
  }

  /** Whether a `step` has something to do. */
  get hasWork(): boolean {
    return !this.#closed && (this.#isNew || this.#work !== null || this.#todo.length > 0);
  }

  /** From the next `step` on this one is made; a sprite that was given before is none. */
  renew(slate: Sprite): void {
    if (slate === this.#slate) return;
    this.#slate = slate;
    this.#isNew = true;
  }

  /** Encodes one more frame; a rendition's slate after its last one, and else null. Not while another `step` runs. */
  async step(): Promise<MadeSlate | null> {
    if (this.#closed) return null;
    const work = this.#isNew ? await this.#begin() : (this.#work ?? (await this.#next()));
    if (!work || !this.#canvas) return null;
    const { rendition, encoder, fragmenter, scaler } = work;
    const number = work.frame++;
    const picture = await scaler.scale(this.#canvas.frame, number === 0);
    for (const packet of await encoder.encode(picture, number)) {
      fragmenter.write(packet, Number(packet.pts), 1);
      packet.free();
    }
    if (work.frame < this.#grid.framesPerSegment) return null;
    const bytes = fragmenter.cut();
    this.#endWork();
    if (this.#todo.length === 0) this.#end();
    return { rendition: rendition.id, bytes };
  }

  /** Not while `step` runs. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end();
  }

  /** Leaves what was being made, and begins with the present slate. */
  async #begin(): Promise<Work | null> {
    this.#end();
    this.#isNew = false;
    this.#todo = [...this.#renditions];
    this.#canvas = new Canvas(this.#slate.width, this.#slate.height);
    this.#canvas.blit(this.#slate, 0, 0);
    return this.#next();
  }

  async #next(): Promise<Work | null> {
    const rendition = this.#todo.shift();
    if (!rendition || !this.#canvas) return null;
    const encoder = await VideoEncoder.create(rendition, this.#grid, this.#settings);
    const fragmenter = videoFragmenter(encoder, rendition, this.#grid, 0);
    const scaler = new PictureScaler(this.#canvas, rendition, pictureFormatOf(this.#settings.codec));
    this.#work = { rendition, encoder, fragmenter, scaler, frame: 0 };
    return this.#work;
  }

  #end(): void {
    this.#endWork();
    this.#canvas?.close();
    this.#canvas = null;
  }

  #endWork(): void {
    this.#work?.fragmenter.close();
    this.#work?.encoder.close();
    this.#work?.scaler.close();
    this.#work = null;
  }
}
