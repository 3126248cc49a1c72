/**
 * One listener's mix, encoded. In: samples of compose/MixMinus.ts, in blocks of the AAC grid; out: Opus packets of 20 ms, each with the program
 * sample that it begins with, a multiple of 960; next: ReturnStream.ts. libopus as WebAssembly, on the calling thread (docs/engine.md has what it
 * costs).
 */
import { Application, createEncoder, type OpusEncoderHandle } from 'libopus-wasm';
import type { Pcm } from '../decode/OpusDecoder.ts';

const SAMPLE_RATE = 48_000;
/** 20 ms: what browsers send, and expect (RFC 7587 section 4.2). */
export const OPUS_FRAME_SAMPLES = 960;
/** Voices and music in stereo, without a fault that is heard on headphones, bits a second. */
const BITRATE = 96_000;
/** Of 10: it costs 0.15 % of a core more than 5. */
const COMPLEXITY = 9;

export class OpusMix {
  readonly #encoder: OpusEncoderHandle;
  readonly #output: (packet: Buffer, sample: number) => void;
  /** The encoder's look-ahead, samples: what is decoded of a packet is so much older than what was given for it. */
  readonly #delay: number;
  readonly #frame = new Float32Array(2 * OPUS_FRAME_SAMPLES);
  /** How many samples of the frame there are. */
  #filled = 0;
  /** The program sample that follows. */
  #next: number | null = null;
  #closed = false;

  private constructor(encoder: OpusEncoderHandle, output: (packet: Buffer, sample: number) => void) {
    this.#encoder = encoder;
    this.#output = output;
    this.#delay = encoder.getLookahead();
  }

  static async create(output: (packet: Buffer, sample: number) => void): Promise<OpusMix> {
    const encoder = await createEncoder({
      ...{ sampleRate: SAMPLE_RATE, channels: 2, application: Application.Audio, frameSize: OPUS_FRAME_SAMPLES },
      ...{ bitrate: BITRATE, complexity: COMPLEXITY, vbr: true, fec: false, dtx: false },
    });
    return new OpusMix(encoder, output);
  }

  /** Samples from program sample `at` on. After a hole it begins anew with the next whole frame. */
  write(at: number, { left, right }: Pcm): void {
    if (this.#closed) return;
    let skip = 0;
    if (at !== this.#next) {
      this.#filled = 0;
      skip =
        (OPUS_FRAME_SAMPLES - (((at % OPUS_FRAME_SAMPLES) + OPUS_FRAME_SAMPLES) % OPUS_FRAME_SAMPLES)) %
        OPUS_FRAME_SAMPLES;
    }
    this.#next = at + left.length;
    for (let i = skip; i < left.length; i++) {
      this.#frame[2 * this.#filled] = left[i] as number;
      this.#frame[2 * this.#filled + 1] = right[i] as number;
      if (++this.#filled === OPUS_FRAME_SAMPLES) this.#encode(at + i + 1 - OPUS_FRAME_SAMPLES);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#encoder.free();
  }

  #encode(sample: number): void {
    this.#filled = 0;
    const packet = this.#encoder.encodeFloat(this.#frame);
    const labelled = sample - this.#delay;
    // Before program time 0 there is nothing to label.
    if (labelled >= 0) this.#output(Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength), labelled);
  }
}
