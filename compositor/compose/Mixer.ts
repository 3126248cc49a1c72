/**
 * The program's sound. In: the PcmTracks of decode/, a MusicBed; out: 1024 samples (21.3 ms, 48 kHz, ±1 is full scale) of both
 * channels for each AAC frame of the grid; next: encode/AudioEncoder.ts.
 *
 * Order of stages: each source is read, measured, brought near the target by its automatic gain, and faded to its volume
 * (SourceChannel.ts); music is added, lower while somebody speaks (MusicChannel.ts); the sum goes through the limiter. Gains
 * change in a straight line over one block of 1024 samples, and a source that goes fades out over one.
 *
 * Timestamps. The limiter gives out what it was given 5.3 ms before. So sources are read that much ahead of the frame that is
 * asked for, and samples come out at their own time: frame *m* is the program's samples `[m × 1024, (m + 1) × 1024)`. A frame that does
 * not follow the last one is begun anew.
 */
import { AAC_FRAME_SAMPLES } from '../../src/contracts/grid.ts';
import type { PeerId, SourceId } from '../../src/contracts/ids.ts';
import type { Pcm } from '../decode/OpusDecoder.ts';
import type { PcmTrack } from '../decode/PcmTrack.ts';
import { LIMITER_DELAY_SAMPLES, Limiter } from './Limiter.ts';
import type { MixMinus } from './MixMinus.ts';
import type { Music } from './MusicChannel.ts';
import { MusicChannel } from './MusicChannel.ts';
import { SourceChannel } from './SourceChannel.ts';

export interface MixerSource {
  track: PcmTrack;
  /** Factor: 1 as it comes, 0 muted. */
  gain: number;
  /** A predecessor's automatic gain, dB; only looked at when the source is new. */
  carriedGainDb?: number | undefined;
}

export interface Loudness {
  /** Off: only volumes and the limiter. */
  automatic: boolean;
  targetLufs: number;
}

/** Whose source it is. */
const peerOf = (id: SourceId): PeerId => id.slice(0, id.indexOf('.'));

const blockOf = (length: number): Pcm => ({ left: new Float32Array(length), right: new Float32Array(length) });

export class Mixer {
  /** Who hears the program without themselves: read anew for each block. */
  readonly #listeners: ReadonlyMap<PeerId, MixMinus>;
  readonly #channels = new Map<SourceId, SourceChannel>();
  /** On their way out. */
  #leaving: [SourceId, SourceChannel][] = [];
  readonly #music = new MusicChannel();
  #loudness: Loudness = { automatic: false, targetLufs: -16 };
  #limiter = new Limiter();
  readonly #sum = blockOf(AAC_FRAME_SAMPLES);
  readonly #one = blockOf(AAC_FRAME_SAMPLES);
  /** The frame that follows the last one. */
  #next: number | null = null;

  constructor(listeners: ReadonlyMap<PeerId, MixMinus> = new Map()) {
    this.#listeners = listeners;
  }

  /** All sources that are heard, and how loud. */
  setSources(sources: ReadonlyMap<SourceId, MixerSource>): void {
    for (const [id, channel] of this.#channels) {
      if (sources.get(id)?.track === channel.track) continue;
      this.#channels.delete(id);
      channel.fader = 0;
      this.#leaving.push([id, channel]);
    }
    for (const [id, { track, gain, carriedGainDb }] of sources) {
      const channel = this.#channels.get(id);
      if (channel) channel.fader = gain;
      else this.#channels.set(id, new SourceChannel(track, gain, this.#carried(carriedGainDb)));
    }
  }

  /** Of a new mixer it is off. Set it before the first sources. */
  setLoudness(loudness: Loudness): void {
    this.#loudness = loudness;
  }

  /** Comes, goes and changes within 300 ms. */
  setMusic(music: Music | null): void {
    this.#music.set(music);
  }

  /** Each source's automatic gain, dB: for a successor. */
  gainsDb(): Record<SourceId, number> {
    return Object.fromEntries([...this.#channels].map(([id, channel]) => [id, channel.gainDb]));
  }

  /** The samples of AAC frame `number`. The arrays are valid until the next call. */
  mix(number: number): Pcm {
    const at = number * AAC_FRAME_SAMPLES;
    if (number !== this.#next) {
      this.#limiter = new Limiter();
      const head = {
        left: this.#sum.left.subarray(0, LIMITER_DELAY_SAMPLES),
        right: this.#sum.right.subarray(0, LIMITER_DELAY_SAMPLES),
      };
      this.#block(at, head);
    }
    this.#next = number + 1;
    this.#block(at + LIMITER_DELAY_SAMPLES, this.#sum);
    return this.#sum;
  }

  /** Mixes and limits the program samples from `at` on; what is left in `sum` is of LIMITER_DELAY_SAMPLES before. */
  #block(at: number, sum: Pcm): void {
    const one = {
      left: this.#one.left.subarray(0, sum.left.length),
      right: this.#one.right.subarray(0, sum.left.length),
    };
    sum.left.fill(0);
    sum.right.fill(0);
    const target = this.#loudness.automatic ? this.#loudness.targetLufs : null;
    let speech = false;
    for (const listener of this.#listeners.values()) listener.begin(sum.left.length);
    for (const [id, channel] of [...this.#channels, ...this.#leaving]) {
      channel.add(at, sum, one, target, this.#listeners.get(peerOf(id))?.own);
      speech ||= channel.speaks;
    }
    this.#leaving = [];
    this.#music.add(at, sum, one, speech);
    for (const listener of this.#listeners.values()) listener.finish(at, sum);
    this.#limiter.process(sum.left, sum.right);
  }

  #carried(gainDb: number | undefined): { gainDb: number; targetLufs: number } | null {
    const { automatic, targetLufs } = this.#loudness;
    return automatic && gainDb !== undefined ? { gainDb, targetLufs } : null;
  }
}
