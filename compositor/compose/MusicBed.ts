/**
 * A piece of music in memory, looped. In: what decode/decodeSound.ts made of a file; out: any range of program samples; next:
 * compose/MusicChannel.ts.
 *
 * Timestamps. Program sample *n* is sample `n mod length` of the piece: a successor plays the same one at the same time.
 * Memory. 16 bits, stereo, in pieces of a second: 192 kB a second, 115 MB for the 10 minutes that are the most.
 */
import type { Pcm } from '../decode/OpusDecoder.ts';

export const MUSIC_CHUNK_SAMPLES = 48_000;
const CHANNELS = 2;
const FULL_SCALE = 32_768;
/** The step from the end to the beginning decays by this a sample: −60 dB in 7 ms. */
const DECAY = 0.98;
const SEAM_SAMPLES = 350;

export class MusicBed {
  readonly #chunks: readonly Int16Array[];
  /** Samples of one pass. */
  readonly length: number;
  readonly #stepLeft: number;
  readonly #stepRight: number;

  /** `chunks`: left and right in turn, MUSIC_CHUNK_SAMPLES of each but in the last one. Throws where there is nothing. */
  constructor(chunks: readonly Int16Array[]) {
    const last = chunks.at(-1);
    if (!last || last.length < CHANNELS) throw new Error('music without a sample');
    this.#chunks = chunks;
    this.length = (chunks.length - 1) * MUSIC_CHUNK_SAMPLES + last.length / CHANNELS;
    const first = chunks[0] ?? last;
    this.#stepLeft = ((last.at(-2) ?? 0) - (first[0] ?? 0)) / FULL_SCALE;
    this.#stepRight = ((last.at(-1) ?? 0) - (first[1] ?? 0)) / FULL_SCALE;
  }

  /** Fills both arrays with the program samples from `at` on. */
  read(at: number, { left, right }: Pcm): void {
    let position = ((at % this.length) + this.length) % this.length;
    for (let done = 0; done < left.length; ) {
      const chunk = this.#chunks[Math.floor(position / MUSIC_CHUNK_SAMPLES)] ?? new Int16Array(0);
      const from = position % MUSIC_CHUNK_SAMPLES;
      const count = Math.min(left.length - done, chunk.length / CHANNELS - from);
      for (let i = 0; i < count; i++) {
        left[done + i] = (chunk[CHANNELS * (from + i)] as number) / FULL_SCALE;
        right[done + i] = (chunk[CHANNELS * (from + i) + 1] as number) / FULL_SCALE;
      }
      this.#mend(position, count, left, right, done);
      done += count;
      position = (position + count) % this.length;
    }
  }

  /** No click where the end meets the beginning: of a piece that was made to loop nothing is changed. */
  #mend(position: number, count: number, left: Float32Array, right: Float32Array, at: number): void {
    for (let i = 0; i < count && position + i < SEAM_SAMPLES; i++) {
      const weight = DECAY ** (position + i);
      left[at + i] = (left[at + i] ?? 0) + this.#stepLeft * weight;
      right[at + i] = (right[at + i] ?? 0) + this.#stepRight * weight;
    }
  }
}
