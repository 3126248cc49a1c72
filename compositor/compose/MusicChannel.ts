/**
 * The strip of the music bed. In: a MusicBed, and whether somebody speaks; order of stages: read → volume and duck → sum. Used
 * by compose/Mixer.ts.
 *
 * While somebody speaks the music is lower by `duckDb`: reached 150 ms after the first block of speech, held for 600 ms after the
 * last (pauses between words), and back within 1.5 s. Music that is set, changed or taken away fades over 300 ms.
 */
import type { Pcm } from '../decode/OpusDecoder.ts';
import { gainOf } from './levels.ts';
import type { MusicBed } from './MusicBed.ts';

export interface Music {
  bed: MusicBed;
  volumeDb: number;
  /** Lower by this much while somebody speaks, dB. */
  duckDb: number;
}

const SAMPLES_PER_MS = 48;
const DOWN_MS = 150;
const HOLD_MS = 600;
const BACK_MS = 1500;
const FADE_MS = 300;

export class MusicChannel {
  #music: Music | null = null;
  /** The bed that is heard, on its way out when it is not that of `#music`. */
  #heard: MusicBed | null = null;
  /** Factor of coming and going, 0 … 1. */
  #fade = 0;
  /** Decibels in use: volume (null before the first), and ducking. */
  #volumeDb: number | null = null;
  #duckedDb = 0;
  #quietMs = Number.POSITIVE_INFINITY;
  /** Factor at the end of the last block. */
  #gain = 0;

  set(music: Music | null): void {
    this.#music = music;
  }

  /** Adds the program samples from `at` on to `sum`; `block` is overwritten. */
  add(at: number, sum: Pcm, block: Pcm, speech: boolean): void {
    const count = sum.left.length;
    const ms = count / SAMPLES_PER_MS;
    this.#duck(ms, speech);
    this.#change(ms);
    const from = this.#gain;
    const to = this.#fade * gainOf((this.#volumeDb ?? 0) - this.#duckedDb);
    this.#gain = to;
    if (!this.#heard || (from === 0 && to === 0)) return;
    this.#heard.read(at, block);
    const step = (to - from) / count;
    for (let i = 0; i < count; i++) {
      const gain = from + step * i;
      sum.left[i] = (sum.left[i] as number) + (block.left[i] as number) * gain;
      sum.right[i] = (sum.right[i] as number) + (block.right[i] as number) * gain;
    }
  }

  #duck(ms: number, speech: boolean): void {
    this.#quietMs = speech ? 0 : this.#quietMs + ms;
    const full = this.#music?.duckDb ?? this.#duckedDb;
    const wanted = this.#quietMs <= HOLD_MS ? full : 0;
    const down = (full * ms) / DOWN_MS;
    const back = (Math.max(full, this.#duckedDb) * ms) / BACK_MS;
    this.#duckedDb += Math.max(-back, Math.min(down, wanted - this.#duckedDb));
  }

  #change(ms: number): void {
    const music = this.#music;
    const step = ms / FADE_MS;
    if (this.#heard && this.#heard === music?.bed) {
      this.#fade = Math.min(1, this.#fade + step);
      const wrong = music.volumeDb - (this.#volumeDb ?? music.volumeDb);
      // 60 dB in the time of a fade.
      this.#volumeDb = music.volumeDb - wrong + Math.max(-60 * step, Math.min(60 * step, wrong));
      return;
    }
    this.#fade = Math.max(0, this.#fade - step);
    if (this.#fade > 0 || this.#gain > 0) return;
    this.#heard = music?.bed ?? null;
    this.#volumeDb = music?.volumeDb ?? null;
  }
}
