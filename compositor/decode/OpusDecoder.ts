/**
 * One Opus decoder, libopus as WebAssembly: of all that Node can have it alone decodes in-band FEC. In: packets in order, and what
 * was lost before one; out: 48 kHz stereo samples; next: decode/PcmTrack.ts. It runs on the calling thread: 20 ms of sound cost
 * less than handing them to another.
 */
import { createDecoder, type OpusDecoderHandle } from 'libopus-wasm';

export const OPUS_SAMPLE_RATE = 48_000;
/** Sound is told in steps of this many samples, 2.5 ms: the shortest frame of Opus (RFC 6716 section 2.1.4). */
const STEP_SAMPLES = 120;
/** The longest packet, 120 ms. */
const MOST_SAMPLES = 5_760;

export interface Pcm {
  left: Float32Array;
  right: Float32Array;
}

export class OpusDecoder {
  readonly #decoder: OpusDecoderHandle;
  /** Written over by each call: arrays of their own would be garbage 50 times a second for each source. */
  readonly #left = new Float32Array(MOST_SAMPLES);
  readonly #right = new Float32Array(MOST_SAMPLES);
  #closed = false;

  private constructor(decoder: OpusDecoderHandle) {
    this.#decoder = decoder;
  }

  static async create(): Promise<OpusDecoder> {
    // Opus in RTP is always described as stereo; a mono packet decodes to two equal channels (RFC 7587, section 7).
    return new OpusDecoder(await createDecoder({ sampleRate: OPUS_SAMPLE_RATE, channels: 2 }));
  }

  /** Throws on what is not Opus; the next packet may be given all the same. The samples are good until the next call. */
  decode(data: Buffer): Pcm {
    this.#assertOpen();
    return this.#apart(this.#decoder.decodeFloat(data));
  }

  /**
   * The `samples` that were lost just before `next`, which is to be decoded after this. The last frame of them comes from the redundancy
   * that `next` may have (in-band FEC: RFC 6716 section 2.1.7, RFC 7587 section 3.3); what there is none for is concealed, going on
   * from what was decoded last. null: no whole number of the shortest frames.
   */
  recover(next: Buffer, samples: number): Pcm | null {
    this.#assertOpen();
    if (samples <= 0 || samples % STEP_SAMPLES !== 0) return null;
    return this.#apart(this.#decoder.decodeFloat(next, { decodeFec: true, frameSize: samples }));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#decoder.free();
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error('the Opus decoder is closed');
  }

  #apart(interleaved: Float32Array): Pcm {
    const count = interleaved.length / 2;
    const left = this.#left.subarray(0, count);
    const right = this.#right.subarray(0, count);
    for (let i = 0; i < count; i++) {
      left[i] = interleaved[2 * i] ?? 0;
      right[i] = interleaved[2 * i + 1] ?? 0;
    }
    // Gives its memory back now: as garbage it would be 15 MB between two collections.
    if (interleaved.buffer instanceof ArrayBuffer) interleaved.buffer.transfer(0);
    return { left, right };
  }
}
