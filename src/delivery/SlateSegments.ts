/**
 * Slate on the grid: segment *k* of a rendition, made of the slate GOP or the silence that a compositor put in the broadcast's own
 * encoding. In: the slates (PUT …/slate). Out: parts as a compositor would have put them there, for the playlists (SlateFiller.ts) and
 * in the place of a lost segment of a recording. ProgramFeed.ts does the like for destinations.
 *
 * Timestamps. `tfdt` is the grid's: frame *n* at `n / fps`, AAC frame *m* at `m × 1024 / 48000`, whatever the slate's own times were.
 */
import {
  AAC_FRAME_SAMPLES,
  audioFramesOfPart,
  type Grid,
  isGridAudio,
  partsPerSegment,
  segmentFirstFrame,
} from '../contracts/grid.ts';
import type { RenditionId } from '../contracts/ids.ts';
import { makeFragment, readSamples, type Sample } from './mp4/fragment.ts';
import type { InitSegment } from './mp4/initSegment.ts';

interface Slate {
  /** As it was put. */
  bytes: Buffer;
  init: InitSegment;
  samples: readonly Sample[];
}

export class SlateSegments {
  readonly #grid: Grid;
  readonly #slates = new Map<RenditionId, Slate>();

  constructor(grid: Grid) {
    this.#grid = grid;
  }

  /** One segment's worth of slate or silence; it replaces an earlier one. Throws AppError `bad-media`. */
  set(rendition: RenditionId, init: InitSegment, bytes: Buffer): void {
    this.#slates.set(rendition, { bytes, init, samples: readSamples(bytes, init) });
  }

  /** As it was put; undefined: it has none. */
  bytes(rendition: RenditionId): Buffer | undefined {
    return this.#slates.get(rendition)?.bytes;
  }

  has(rendition: RenditionId): boolean {
    return this.#slates.has(rendition);
  }

  /**
   * The parts of segment `number` of the rendition, in order; undefined while it has no slate. Its first part begins with an IDR frame,
   * and all are of one GOP: a slate that is replaced in the meantime shows in the next segment.
   */
  segment(rendition: RenditionId, number: number): Buffer[] | undefined {
    const slate = this.#slates.get(rendition);
    if (!slate) return undefined;
    return Array.from({ length: partsPerSegment(this.#grid) }, (_, part) =>
      isGridAudio(rendition) ? this.#audio(slate, number, part) : this.#video(slate, number, part),
    );
  }

  #video({ init, samples }: Slate, number: number, part: number): Buffer {
    const { framesPerPart, fps } = this.#grid;
    const first = segmentFirstFrame(this.#grid, number) + part * framesPerPart;
    const frames = samples.slice(part * framesPerPart, (part + 1) * framesPerPart);
    return makeFragment(init.trackId, this.#sequence(number, part), first * (init.timescale / fps), frames);
  }

  /** One silent frame is like the other: a segment may have one more or fewer than the slate has. */
  #audio({ init, samples }: Slate, number: number, part: number): Buffer {
    const { first, count } = audioFramesOfPart(this.#grid, number, part);
    const frames = Array.from({ length: count }, (_, i) => samples[(first + i) % samples.length] as Sample);
    const time = (first * AAC_FRAME_SAMPLES * init.timescale) / this.#grid.sampleRate;
    return makeFragment(init.trackId, this.#sequence(number, part), time, frames);
  }

  /** As the compositor numbers its fragments: they grow by one a part (ISO/IEC 14496-12 section 8.8.5), 32 bits, and may wrap. */
  #sequence(number: number, part: number): number {
    return (1 + number * partsPerSegment(this.#grid) + part) >>> 0;
  }
}
