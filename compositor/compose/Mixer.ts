/**
 * The program's sound. In: the PcmTracks of decode/; out: 1024 samples of both channels for each AAC frame of the grid;
 * next: encode/AudioEncoder.ts. A gain that changes does so over one frame, and a source that goes fades out over one.
 */
import { AAC_FRAME_SAMPLES } from '../../src/contracts/grid.ts';
import type { SourceId } from '../../src/contracts/ids.ts';
import type { PcmTrack } from '../decode/PcmTrack.ts';
import { Limiter } from './Limiter.ts';

interface Channel {
  track: PcmTrack;
  gain: number;
  target: number;
}

/** Decibels → factor. */
export const gainOf = (db: number): number => 10 ** (db / 20);

export class Mixer {
  readonly #channels = new Map<SourceId, Channel>();
  /** On their way out. */
  #leaving: Channel[] = [];
  readonly #limiter = new Limiter();
  readonly #left = new Float32Array(AAC_FRAME_SAMPLES);
  readonly #right = new Float32Array(AAC_FRAME_SAMPLES);
  readonly #oneLeft = new Float32Array(AAC_FRAME_SAMPLES);
  readonly #oneRight = new Float32Array(AAC_FRAME_SAMPLES);

  /** All sources that are heard, and how loud (1 as it comes, 0 muted). */
  setSources(sources: ReadonlyMap<SourceId, { track: PcmTrack; gain: number }>): void {
    for (const [id, channel] of this.#channels) {
      if (sources.get(id)?.track === channel.track) continue;
      this.#channels.delete(id);
      this.#leaving.push({ ...channel, target: 0 });
    }
    for (const [id, { track, gain }] of sources) {
      const channel = this.#channels.get(id);
      if (channel) channel.target = gain;
      else this.#channels.set(id, { track, gain, target: gain });
    }
  }

  /** The samples of AAC frame `number`. The arrays are valid until the next call. */
  mix(number: number): { left: Float32Array; right: Float32Array } {
    this.#left.fill(0);
    this.#right.fill(0);
    const at = number * AAC_FRAME_SAMPLES;
    for (const channel of [...this.#channels.values(), ...this.#leaving]) this.#add(channel, at);
    this.#leaving = [];
    this.#limiter.process(this.#left, this.#right);
    return { left: this.#left, right: this.#right };
  }

  #add(channel: Channel, at: number): void {
    // A muted source is read all the same: its position and its fades go on.
    const audible = channel.track.read(at, this.#oneLeft, this.#oneRight);
    const { gain, target } = channel;
    channel.gain = target;
    if (!audible || (gain === 0 && target === 0)) return;
    const step = (target - gain) / AAC_FRAME_SAMPLES;
    for (let i = 0; i < AAC_FRAME_SAMPLES; i++) {
      const now = gain + step * i;
      this.#left[i] = (this.#left[i] ?? 0) + (this.#oneLeft[i] ?? 0) * now;
      this.#right[i] = (this.#right[i] ?? 0) + (this.#oneRight[i] ?? 0) * now;
    }
  }
}
