/**
 * The decoded sound of one source, placed by its RTP timestamps, and read on the program's clock. In: blocks of
 * decode/OpusDecoder.ts; out: any range of program samples; next: compose/Mixer.ts.
 *
 * Stages: PcmRing (what came) → HoleFiller (no gaps) → fractionalRead (any position between two samples). PlayoutLine says
 * which position belongs to which program sample.
 *
 * Timestamps. Source time is the RTP timestamp in samples of 48 kHz, unwrapped, arbitrary zero. Program time is in
 * samples too, 0 is frame 0 of the broadcast. Each block says where its first sample belongs (`playoutMs`); PlayoutLine.ts makes
 * a steady line of it. Reading goes along that line at the sender's own rate, so that drift is no modulation; it closes in on a line
 * that was moved by up to 0.5 % faster or slower; and where that would take long (more than 30 ms, 6 s), or nothing is heard just
 * now, it jumps, with a crossfade to where the waveform goes on alike.
 *
 * Drop policy. What comes after its time is dropped by being behind the reading position; what was never written is a hole.
 */

import { readFractional, TAPS, TAPS_BEFORE } from './fractionalRead.ts';
import { HoleFiller } from './HoleFiller.ts';
import type { Pcm } from './OpusDecoder.ts';
import { PcmRing } from './PcmRing.ts';
import { PlayoutLine } from './PlayoutLine.ts';

const SAMPLES_PER_MS = 48;
/** Samples that are read at one rate. */
const CHUNK = 1024;
/**
 * From this much on a wrong position is mended by a jump where something is heard. Below it lips and voice are together enough, and a
 * playout delay that has grown has this to spare (ingest/PlayoutDelay.ts, its margin).
 */
const HEARD_JUMP_SAMPLES = 30 * SAMPLES_PER_MS;
/** From this much on a wrong position is mended by a jump where nothing is heard. */
const UNHEARD_JUMP_SAMPLES = 2 * SAMPLES_PER_MS;
/** Faster or slower by this much at most: under what is heard as another pitch (9 cents). */
const MAX_RATE = 0.005;
/** A small error is closed within this time: 1 ms makes 50 ppm. */
const CLOSING_SAMPLES = 20 * 1000 * SAMPLES_PER_MS;
/** Errors above this (0.75 ms) are closed ever faster. */
const LARGE_SAMPLES = 36;
/** Less than this is as good as right, and whole samples cost nothing: 16 µs, 0.5 ppm. */
const EXACT_SAMPLES = 0.76;
const EXACT_DRIFT = 5e-7;
const CROSSFADE_SAMPLES = 10 * SAMPLES_PER_MS;
/** A jump lands within this of its aim, where the waveform is most alike: one period of 125 Hz each way. */
const SEARCH_SAMPLES = 4 * SAMPLES_PER_MS;
const SEARCH_STEP = 4;
/** What is further from the aim has to be more alike by this: as much as half a step makes. */
const BETTER = 1.01;
/** Mean square below which nothing is heard: −50 dBFS. */
const QUIET = 1e-5;
/** What one chunk takes at most, and some. */
const WINDOW_SAMPLES = Math.ceil(CHUNK * (1 + 2 * MAX_RATE)) + 2 * TAPS;

/** Where reading is: `window[0]` is source sample `start`, `filled` samples of it are there. */
interface Reader {
  filler: HoleFiller;
  window: Pcm;
  start: number;
  filled: number;
  /** Source sample of the next program sample. */
  position: number;
  /** Source samples to a program sample, at the end of the last chunk. */
  rate: number;
  /** Only the window's left channel is filled. */
  mono: boolean;
}

export class PcmTrack {
  readonly #ring = new PcmRing();
  #line: PlayoutLine | null = null;
  /** The newest mapping: program sample minus source sample. */
  #target = 0;
  #reader: Reader | null = null;
  /** The program sample that is read next when reading goes on. */
  #at = 0;
  #audible = false;
  #mono = false;
  #jumps = 0;

  /** Times that reading had to jump where it was heard. */
  get jumps(): number {
    return this.#jumps;
  }

  /** How far reading is from the newest mapping, ms. */
  get driftMs(): number {
    return this.#reader ? (this.#target - (this.#at - this.#reader.position)) / SAMPLES_PER_MS : 0;
  }

  /** The sender's clock as it is followed: parts per million that it is slow by. */
  get driftPpm(): number {
    return (this.#line?.drift ?? 0) * 1e6;
  }

  /** Both channels of what was read last are equal. */
  get mono(): boolean {
    return this.#mono;
  }

  /** Places a block: its first sample has RTP timestamp `rtp` and belongs to program time `playoutMs`. */
  write(pcm: Pcm, rtp: number, playoutMs: number): void {
    const start = Math.round(rtp);
    this.#target = playoutMs * SAMPLES_PER_MS - start;
    const same = this.#ring.write(pcm, start);
    if (!same || !this.#line) {
      this.#line = new PlayoutLine(start, this.#target);
      if (!same) this.#reader = null;
    } else this.#line.observe(start, this.#target);
  }

  /** Fills both arrays with the program samples from `at` on; false when all of it is silence. */
  read(at: number, left: Float32Array, right: Float32Array): boolean {
    let audible = false;
    this.#mono = true;
    for (let done = 0; done < left.length; done += CHUNK) {
      const chunk = { left: left.subarray(done, done + CHUNK), right: right.subarray(done, done + CHUNK) };
      audible = this.#chunk(at + done, chunk) || audible;
    }
    return audible;
  }

  #chunk(at: number, to: Pcm): boolean {
    const count = to.left.length;
    const line = this.#line;
    if (!line) {
      to.left.fill(0);
      to.right.fill(0);
      return false;
    }
    const wanted = line.sourceAt(at);
    let reader = this.#reader;
    let wrong = reader ? wanted - reader.position : 0;
    // Nothing is heard of the old position: going to the new one costs nothing.
    const unheard = reader && !this.#audible && !this.#ring.has(Math.floor(reader.position), count);
    if (!reader || (unheard && Math.abs(wrong) >= 1)) {
      reader = readerAt(this.#ring, Math.round(wanted), true, reader?.window);
      this.#reader = reader;
      wrong = wanted - reader.position;
    }
    const off = Math.abs(wrong);
    const quiet = off > UNHEARD_JUMP_SAMPLES && this.#isQuiet(reader.position, wanted);
    if (quiet || off > HEARD_JUMP_SAMPLES) this.#audible = this.#jump(reader, wanted, to, quiet);
    else this.#audible = this.#render(reader, count, rateFor(wrong, line.drift), to);
    this.#at = at + count;
    return this.#audible;
  }

  /** Reads `count` samples while the rate goes from what it is to `rate`. */
  #render(reader: Reader, count: number, rate: number, to: Pcm): boolean {
    const bend = (rate - reader.rate) / (2 * count);
    const end = reader.position + count * (reader.rate + count * bend);
    const last = Math.floor(end) + TAPS / 2 + 1;
    const mono = this.#ring.isMonoFrom(reader.start);
    // Of a mono source only the left channel is kept.
    if (!mono && reader.mono) reader.window.right.set(reader.window.left.subarray(0, reader.filled));
    reader.mono = mono;
    const audible = fill(reader, last, mono);
    const position = reader.position - reader.start;
    if (rate === 1 && reader.rate === 1 && Number.isInteger(position)) {
      to.left.set(reader.window.left.subarray(position, position + count));
      if (!mono) to.right.set(reader.window.right.subarray(position, position + count));
    } else {
      const path = { position, rate: reader.rate, bend };
      readFractional(reader.window.left, to.left, count, path);
      if (!mono) readFractional(reader.window.right, to.right, count, path);
    }
    if (mono) to.right.set(to.left);
    else this.#mono = false;
    reader.position = end;
    reader.rate = rate;
    drop(reader);
    return audible;
  }

  /** Where nothing is heard every place is as good as the right one. */
  #jump(old: Reader, wanted: number, to: Pcm, quiet: boolean): boolean {
    const target = quiet ? Math.round(wanted) : this.#landing(Math.round(old.position), Math.round(wanted));
    const reader = readerAt(this.#ring, target, false);
    reader.position += old.position - Math.floor(old.position);
    reader.rate = old.rate;
    const fade = Math.min(CROSSFADE_SAMPLES, to.left.length);
    const before = { left: new Float32Array(fade), right: new Float32Array(fade) };
    const oldAudible = this.#render(old, fade, old.rate, before);
    const audible = this.#render(reader, to.left.length, old.rate, to);
    for (let i = 0; i < fade; i++) {
      const weight = (i + 1) / (fade + 1);
      to.left[i] = (to.left[i] ?? 0) * weight + (before.left[i] ?? 0) * (1 - weight);
      to.right[i] = (to.right[i] ?? 0) * weight + (before.right[i] ?? 0) * (1 - weight);
    }
    this.#reader = reader;
    if (!quiet) this.#jumps += 1;
    return audible || oldAudible;
  }

  /** The position near `to` at which the sound of the crossfade is most like what would have been heard at `from`. */
  #landing(from: number, to: number): number {
    let best = to;
    let bestLikeness = 0;
    const consider = (candidate: number, better: number) => {
      let product = 0;
      let power = QUIET;
      for (let i = 0; i < CROSSFADE_SAMPLES; i += SEARCH_STEP) {
        const sample = this.#ring.sampleAt(candidate + i);
        product += this.#ring.sampleAt(from + i) * sample;
        power += sample * sample;
      }
      const likeness = product / Math.sqrt(power);
      if (likeness <= bestLikeness * better) return;
      bestLikeness = likeness;
      best = candidate;
    };
    // From the aim outwards: of a steady tone all periods are alike, and the nearest is the best.
    consider(to, 1);
    for (let shift = SEARCH_STEP; shift <= SEARCH_SAMPLES; shift += SEARCH_STEP) {
      consider(to - shift, BETTER);
      consider(to + shift, BETTER);
    }
    const around = best;
    // To the sample: half a step would be a quarter of a period at 6 kHz.
    for (let shift = 1 - SEARCH_STEP; shift < SEARCH_STEP; shift++) consider(around + shift, 1);
    return best;
  }

  #isQuiet(...positions: number[]): boolean {
    return positions.reduce((sum, position) => sum + this.#power(Math.floor(position)), 0) < QUIET;
  }

  /** Mean square over the length of a crossfade. */
  #power(index: number): number {
    let sum = 0;
    for (let i = 0; i < CROSSFADE_SAMPLES; i += SEARCH_STEP) sum += this.#ring.sampleAt(index + i) ** 2;
    return (sum * SEARCH_STEP) / CROSSFADE_SAMPLES;
  }
}

/** Source samples to a program sample, for a position that lacks `wrong` samples. */
function rateFor(wrong: number, drift: number): number {
  if (Math.abs(wrong) < EXACT_SAMPLES && Math.abs(drift) < EXACT_DRIFT) return 1;
  const closing = (wrong / CLOSING_SAMPLES) * (1 + (wrong / LARGE_SAMPLES) ** 2);
  return 1 / (1 + drift) + Math.max(-MAX_RATE, Math.min(MAX_RATE, closing));
}

function readerAt(ring: PcmRing, position: number, faded: boolean, window?: Pcm): Reader {
  const start = position - TAPS_BEFORE;
  return {
    filler: new HoleFiller(ring, start, faded),
    window: window ?? { left: new Float32Array(WINDOW_SAMPLES), right: new Float32Array(WINDOW_SAMPLES) },
    start,
    filled: 0,
    position,
    rate: 1,
    mono: false,
  };
}

/** Makes samples up to before `end` be in the window; false when nothing is heard of what is there. */
function fill(reader: Reader, end: number, mono: boolean): boolean {
  const count = end - reader.start - reader.filled;
  if (count <= 0) return true;
  const audible = reader.filler.pull(count, reader.window, reader.filled, mono);
  reader.filled += count;
  return audible;
}

/** Forgets what lies before the taps of the next sample. */
function drop(reader: Reader): void {
  const { left, right } = reader.window;
  const count = Math.floor(reader.position) - TAPS_BEFORE - reader.start;
  left.copyWithin(0, count, reader.filled);
  right.copyWithin(0, count, reader.filled);
  reader.start += count;
  reader.filled -= count;
}
