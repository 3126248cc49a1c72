/**
 * Makes one segment of slate in the broadcast's own encoding, from an encoder of its own with the same settings, so that
 * delivery can fill holes with it. A GOP at once would take half a second of a core just when the program begins; so the pipeline
 * calls `step` after each of its frames, and the slate is there two seconds later.
 */
import type { Grid } from '../../src/contracts/grid.ts';
import type { EncoderSettings, VideoRendition } from '../../src/contracts/job.ts';
import { Canvas, type Sprite } from '../compose/Canvas.ts';
import type { Fragmenter } from '../output/Fragmenter.ts';
import { videoFragmenter } from './fragmenters.ts';
import { VideoEncoder } from './VideoEncoder.ts';

export interface SlateMakerOptions {
  rendition: VideoRendition;
  grid: Grid;
  settings: EncoderSettings;
  slate: Sprite;
}

export class SlateMaker {
  readonly #encoder: VideoEncoder;
  readonly #fragmenter: Fragmenter;
  readonly #canvas: Canvas;
  readonly #frames: number;
  #frame = 0;
  #closed = false;

  private constructor({ rendition, grid, slate }: SlateMakerOptions, encoder: VideoEncoder) {
    this.#encoder = encoder;
    this.#fragmenter = videoFragmenter(encoder, rendition, grid, 0);
    this.#canvas = new Canvas(rendition.width, rendition.height);
    this.#canvas.blit(slate, 0, 0);
    this.#frames = grid.framesPerSegment;
  }

  static async create(options: SlateMakerOptions): Promise<SlateMaker> {
    const { rendition, grid, settings } = options;
    return new SlateMaker(options, await VideoEncoder.create(rendition, grid, settings));
  }

  /** Encodes one more frame; the slate after the last one, and null before. Not while another `step` runs. */
  async step(): Promise<Buffer | null> {
    if (this.#closed || this.#frame >= this.#frames) return null;
    const frame = this.#frame++;
    for (const packet of await this.#encoder.encode(this.#canvas.frame, frame)) {
      this.#fragmenter.write(packet, frame, 1);
      packet.free();
    }
    return this.#frame === this.#frames ? this.#fragmenter.cut() : null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#fragmenter.close();
    this.#encoder.close();
    this.#canvas.close();
  }
}
