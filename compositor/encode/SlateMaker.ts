/**
 * Makes one segment of slate of each video rendition in the broadcast's own encoding, from an encoder of its own with the same
 * settings, so that delivery can fill holes with it. A GOP at once would take half a second of a core just when the program begins; so
 * the pipeline calls `step` after each of its frames, and the largest rendition's slate is there two seconds later.
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
  readonly #canvas: Canvas;
  readonly #todo: VideoRendition[];
  #work: Work | null = null;
  #closed = false;

  private constructor({ renditions, grid, settings, slate }: SlateMakerOptions) {
    this.#grid = grid;
    this.#settings = settings;
    this.#todo = [...renditions];
    this.#canvas = new Canvas(slate.width, slate.height);
    this.#canvas.blit(slate, 0, 0);
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

  /** Encodes one more frame; a rendition's slate after its last one, and else null. Not while another `step` runs. */
  async step(): Promise<MadeSlate | null> {
    if (this.#closed) return null;
    const work = this.#work ?? (await this.#begin());
    if (!work) return null;
    const { rendition, encoder, fragmenter, scaler } = work;
    const number = work.frame++;
    const picture = await scaler.scale(this.#canvas.frame, number === 0);
    for (const packet of await encoder.encode(picture, number)) {
      fragmenter.write(packet, Number(packet.pts), 1);
      packet.free();
    }
    if (work.frame < this.#grid.framesPerSegment) return null;
    const bytes = fragmenter.cut();
    this.#end();
    if (this.#todo.length === 0) this.close();
    return { rendition: rendition.id, bytes };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end();
    this.#canvas.close();
  }

  async #begin(): Promise<Work | null> {
    const rendition = this.#todo.shift();
    if (!rendition) return null;
    const encoder = await VideoEncoder.create(rendition, this.#grid, this.#settings);
    const fragmenter = videoFragmenter(encoder, rendition, this.#grid, 0);
    const scaler = new PictureScaler(this.#canvas, rendition, pictureFormatOf(this.#settings.codec));
    this.#work = { rendition, encoder, fragmenter, scaler, frame: 0 };
    return this.#work;
  }

  #end(): void {
    this.#work?.fragmenter.close();
    this.#work?.encoder.close();
    this.#work?.scaler.close();
    this.#work = null;
  }
}
