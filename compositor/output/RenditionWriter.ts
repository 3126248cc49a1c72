/**
 * Puts one rendition's packets into parts. In: packets of encode/, each with its number on the grid; out: parts to a
 * PartSink, each as soon as its last packet is written.
 */
import type { Packet } from 'node-av';
import {
  AAC_FRAME_SAMPLES,
  audioFrameAtOrAfter,
  type Grid,
  partStartMs,
  partsPerSegment,
  segmentFirstFrame,
} from '../../src/contracts/grid.ts';
import type { Rendition } from '../../src/contracts/job.ts';
import type { Fragmenter } from './Fragmenter.ts';
import type { PartSink } from './PartSink.ts';

export interface RenditionWriterOptions {
  rendition: Rendition;
  grid: Grid;
  fragmenter: Fragmenter;
  sink: PartSink;
  firstSegment: number;
}

export class RenditionWriter {
  readonly #options: RenditionWriterOptions;
  /** Number of the part that is being filled, counted over all segments. */
  #part: number;
  #next: number;
  #end: number;
  #bytes = 0;
  #closed = false;

  constructor(options: RenditionWriterOptions) {
    this.#options = options;
    this.#part = options.firstSegment * partsPerSegment(options.grid);
    this.#next = this.#firstOf(this.#part);
    this.#end = this.#firstOf(this.#part + 1);
  }

  /** The number on the grid of the first packet that is wanted. */
  get first(): number {
    return this.#firstOf(this.#options.firstSegment * partsPerSegment(this.#options.grid));
  }

  /** The init segment. */
  get init(): Buffer {
    return this.#options.fragmenter.init;
  }

  /** Bytes of all parts until now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The newest segment of which all parts were put; null before the first. */
  get lastSegment(): number | null {
    const { grid, firstSegment } = this.#options;
    const last = Math.floor(this.#part / partsPerSegment(grid)) - 1;
    return last < firstSegment ? null : last;
  }

  /** Writes packet `number` of the grid; one before the first is left out. The packet is freed. */
  write(packet: Packet, number: number): void {
    try {
      if (this.#closed || number < this.#next) return;
      // The grid never skips: a hole here is a fault of ours that no player would forgive.
      if (number > this.#next)
        throw new Error(`${this.#options.rendition.id}: packet ${number}, expected ${this.#next}`);
      const ticks = this.#options.rendition.kind === 'audio' ? AAC_FRAME_SAMPLES : 1;
      this.#options.fragmenter.write(packet, number * ticks, ticks);
      this.#next = number + 1;
    } finally {
      packet.free();
    }
    if (this.#next === this.#end) this.#cut();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.fragmenter.close();
  }

  #cut(): void {
    const { grid, rendition, fragmenter, sink } = this.#options;
    const data = fragmenter.cut();
    const segment = Math.floor(this.#part / partsPerSegment(grid));
    const part = this.#part % partsPerSegment(grid);
    this.#part += 1;
    this.#end = this.#firstOf(this.#part + 1);
    this.#bytes += data.length;
    sink.putPart({ rendition: rendition.id, segment, part, data, endMs: partStartMs(grid, segment, part + 1) });
  }

  #firstOf(part: number): number {
    const { grid, rendition } = this.#options;
    const frame = segmentFirstFrame(grid, 0) + part * grid.framesPerPart;
    return rendition.kind === 'audio' ? audioFrameAtOrAfter(grid, frame) : frame;
  }
}
