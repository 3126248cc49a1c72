/**
 * The program's sound for one person who is in it: all but what they send themselves, since who hears oneself a moment later cannot speak. In:
 * what the person's own sources add to the program, and the program's sum before its limiter (Mixer.ts); out: blocks with a limiter of their
 * own; next: return/OpusMix.ts.
 *
 * Timestamps: as the Mixer's; what comes out was given LIMITER_DELAY_SAMPLES before, and is told with the program sample that it begins with.
 */
import { AAC_FRAME_SAMPLES } from '../../src/contracts/grid.ts';
import type { Pcm } from '../decode/OpusDecoder.ts';
import { LIMITER_DELAY_SAMPLES, Limiter } from './Limiter.ts';

export class MixMinus {
  readonly #output: (at: number, samples: Pcm) => void;
  readonly #own: Pcm = { left: new Float32Array(AAC_FRAME_SAMPLES), right: new Float32Array(AAC_FRAME_SAMPLES) };
  #limiter = new Limiter();
  /** The program sample after the last one that was given. */
  #next: number | null = null;
  #block: Pcm = this.#own;

  /** `output` gets 48 kHz stereo from program sample `at` on; the arrays are valid until it returns. */
  constructor(output: (at: number, samples: Pcm) => void) {
    this.#output = output;
  }

  /** A block of so many samples begins, with nothing in it: what the person's sources add to it is to be added here as well. */
  begin(count: number): Pcm {
    this.#block = { left: this.#own.left.subarray(0, count), right: this.#own.right.subarray(0, count) };
    this.#block.left.fill(0);
    this.#block.right.fill(0);
    return this.#block;
  }

  /** The block that was begun. */
  get own(): Pcm {
    return this.#block;
  }

  /** The program's sum from sample `at` on, the person in it; it is not changed. */
  finish(at: number, sum: Pcm): void {
    const { left, right } = this.#block;
    if (at !== this.#next) this.#limiter = new Limiter();
    this.#next = at + left.length;
    for (let i = 0; i < left.length; i++) {
      left[i] = (sum.left[i] as number) - (left[i] as number);
      right[i] = (sum.right[i] as number) - (right[i] as number);
    }
    this.#limiter.process(left, right);
    this.#output(at - LIMITER_DELAY_SAMPLES, this.#block);
  }
}
