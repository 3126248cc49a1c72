/**
 * One microphone (or the sound of a screen): Opus decoder and PCM. In: EncodedAudio of ingest; out: PcmTrack, read by
 * compose/Mixer.ts. A packet that cannot be decoded is a hole of its length.
 */
import type { Logger } from '../../src/common/logger.ts';
import type { SourceId } from '../../src/contracts/ids.ts';
import type { EncodedAudio } from '../types.ts';
import { OpusDecoder } from './OpusDecoder.ts';
import { PcmTrack } from './PcmTrack.ts';

/**
 * An Opus encoder looks 6.5 ms ahead and RTP labels its input: the decoder's sample of that label comes this many
 * samples later (RFC 7845 section 4.2 calls it pre-skip; libopus: 312 at 48 kHz).
 */
const OPUS_LOOKAHEAD_SAMPLES = 312;

export interface AudioSourceOptions {
  id: SourceId;
  logger: Logger;
}

export class AudioSource {
  readonly id: SourceId;
  readonly track = new PcmTrack();
  readonly #decoder: OpusDecoder;
  readonly #logger: Logger;
  #decoded = 0;
  #dropped = 0;
  #closed = false;
  #warnedAt = Number.NEGATIVE_INFINITY;

  private constructor({ id, logger }: AudioSourceOptions, decoder: OpusDecoder) {
    this.id = id;
    this.#logger = logger;
    this.#decoder = decoder;
  }

  static async create(options: AudioSourceOptions): Promise<AudioSource> {
    return new AudioSource(options, await OpusDecoder.create());
  }

  /** Packets since the start. */
  stats(): { decoded: number; dropped: number } {
    return { decoded: this.#decoded, dropped: this.#dropped };
  }

  write({ data, rtp, playoutMs }: EncodedAudio): void {
    if (this.#closed) return;
    try {
      this.track.write(
        this.#decoder.decode(data),
        rtp - OPUS_LOOKAHEAD_SAMPLES,
        playoutMs - OPUS_LOOKAHEAD_SAMPLES / 48,
      );
      this.#decoded += 1;
    } catch (error) {
      this.#dropped += 1;
      const now = performance.now();
      if (now - this.#warnedAt < 1000) return;
      this.#warnedAt = now;
      this.#logger.warn({ source: this.id, err: error }, 'an audio packet could not be decoded');
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#decoder.close();
  }
}
