/**
 * One microphone (or the sound of a screen): Opus decoder and PCM. In: EncodedAudio of ingest; out: PcmTrack, read by
 * compose/Mixer.ts. What was lost is taken from the redundancy of the packet behind it (in-band FEC), or concealed by the decoder; a
 * longer loss, silence that is not sent (DTX), and a packet that cannot be decoded are holes of their length.
 */
import type { Logger } from '../../src/common/logger.ts';
import type { SourceId } from '../../src/contracts/ids.ts';
import type { EncodedAudio } from '../types.ts';
import { OpusDecoder, type Pcm } from './OpusDecoder.ts';
import { redundantSamples } from './opusRedundancy.ts';
import { PcmTrack } from './PcmTrack.ts';

/**
 * An Opus encoder looks 6.5 ms ahead and RTP labels its input: the decoder's sample of that label comes this many
 * samples later (RFC 7845 section 4.2 calls it pre-skip; libopus: 312 at 48 kHz).
 */
const OPUS_LOOKAHEAD_SAMPLES = 312;
/** A longer loss is not concealed by the decoder, which takes at most 120 ms at once: its guesses have faded away by then. */
const CONCEALED_SAMPLES = 120 * 48;

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
  #recovered = 0;
  /** The RTP timestamp at which the newest packet ends. */
  #end = Number.POSITIVE_INFINITY;
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

  /** Since the start; `recovered`: losses of which a part at least was recovered or concealed by the decoder. */
  stats(): { decoded: number; dropped: number; recovered: number } {
    return { decoded: this.#decoded, dropped: this.#dropped, recovered: this.#recovered };
  }

  write(packet: EncodedAudio): void {
    if (this.#closed) return;
    const { data, rtp } = packet;
    try {
      this.#recover(packet);
      const pcm = this.#decoder.decode(data);
      this.#place(pcm, packet, 0);
      this.#end = rtp + pcm.left.length;
      this.#decoded += 1;
    } catch (error) {
      this.#dropped += 1;
      const now = performance.now();
      if (now - this.#warnedAt < 1000) return;
      this.#warnedAt = now;
      this.#logger.warn({ source: this.id, err: error }, 'an audio packet could not be decoded');
    }
  }

  /** Before the packet itself is decoded: the decoder goes on from what it has just made up. */
  #recover(packet: EncodedAudio): void {
    const missing = packet.rtp - this.#end;
    if (packet.lostBefore === 0 || missing <= 0) return;
    const samples = missing <= CONCEALED_SAMPLES ? missing : redundantSamples(packet.data);
    const pcm = samples > 0 ? this.#decoder.recover(packet.data, samples) : null;
    if (!pcm) return;
    this.#place(pcm, packet, samples);
    this.#recovered += 1;
  }

  /** `before`: so many samples before the packet's own. */
  #place(pcm: Pcm, { rtp, playoutMs }: EncodedAudio, before: number): void {
    const early = before + OPUS_LOOKAHEAD_SAMPLES;
    this.track.write(pcm, rtp - early, playoutMs - early / 48);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#decoder.close();
  }
}
