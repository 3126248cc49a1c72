/**
 * The decoded sound of one source, placed by its RTP timestamps, and read on the program's clock. In: blocks of
 * decode/OpusDecoder.ts; out: any range of program samples; next: compose/Mixer.ts.
 *
 * Timestamps. Source time is the RTP timestamp in samples of 48 kHz, unwrapped, arbitrary zero. Program time is in
 * samples too, 0 is frame 0 of the broadcast. Each block says where its first sample belongs (`playoutMs`); the newest
 * such mapping is what reading steers to: by up to 0.5 % faster or slower; or, when it is off by more than 12 ms or nothing
 * is heard just now, by a jump with a crossfade to where the waveform goes on alike. A step of more than the ring in either direction is a new stream: what was there is forgotten.
 *
 * Drop policy. What comes after its time is dropped by being behind the reading position; what was never written is
 * silence, entered and left with a short fade.
 */
import type { Pcm } from './OpusDecoder.ts';

const SAMPLES_PER_MS = 48;
/** 2.7 s: more than the longest playout delay and a stall of the process together. */
const CAPACITY = 1 << 17;
/** Steering stops this near to the mapping and starts when it is off by more: jitter of the mapping is not followed. */
const STEER_FROM_SAMPLES = 2 * SAMPLES_PER_MS;
/** Faster or slower by this much at most: under what is heard as another pitch (9 cents). */
const MAX_RATE = 0.005;
/**
 * Further off than this is jumped: the picture follows a new mapping at once, and sound that is later or earlier than it
 * by more than a frame is seen; steering would take seconds.
 */
const JUMP_SAMPLES = 12 * SAMPLES_PER_MS;
const CROSSFADE_SAMPLES = 10 * SAMPLES_PER_MS;
/** A jump lands within this of its aim, where the waveform is most alike: one period of 125 Hz each way. */
const SEARCH_SAMPLES = 4 * SAMPLES_PER_MS;
const SEARCH_STEP = 4;
/** Mean square below which nothing is heard: −50 dBFS. */
const QUIET = 1e-5;
/** Fade in after a hole, in samples (5 ms). */
const FADE_SAMPLES = 5 * SAMPLES_PER_MS;
/** The last value before a hole decays by this a sample: −60 dB in 7 ms. */
const HOLE_DECAY = 0.98;

interface Range {
  start: number;
  end: number;
}

/** State of the fade at the reading position. */
interface Edge {
  gain: number;
  left: number;
  right: number;
}

export class PcmTrack {
  readonly #left = new Float32Array(CAPACITY);
  readonly #right = new Float32Array(CAPACITY);
  /** What is written, in source samples, ascending and apart. */
  #ranges: Range[] = [];
  /** Program sample minus source sample: wanted, and in use (a whole number unless steering). */
  #target: number | null = null;
  #offset: number | null = null;
  #steering = false;
  #edge: Edge = { gain: 0, left: 0, right: 0 };
  #jumps = 0;

  /** Times that reading had to jump. */
  get jumps(): number {
    return this.#jumps;
  }

  /** How far reading is from the newest mapping, ms. */
  get driftMs(): number {
    return this.#target === null || this.#offset === null ? 0 : (this.#target - this.#offset) / SAMPLES_PER_MS;
  }

  /** Places a block: its first sample has RTP timestamp `rtp` and belongs to program time `playoutMs`. */
  write({ left, right }: Pcm, rtp: number, playoutMs: number): void {
    const start = Math.round(rtp);
    const end = start + left.length;
    const last = this.#ranges.at(-1);
    if (last && (start > last.end + CAPACITY || end < last.end - CAPACITY)) {
      this.#ranges = [];
      this.#offset = null;
    }
    for (let i = 0; i < left.length; i++) {
      const at = (((start + i) % CAPACITY) + CAPACITY) % CAPACITY;
      this.#left[at] = left[i] ?? 0;
      this.#right[at] = right[i] ?? 0;
    }
    this.#mark(start, end);
    this.#target = Math.round(playoutMs * SAMPLES_PER_MS - start);
  }

  /** Fills both arrays with the program samples from `at` on; false when all of it is silence. */
  read(at: number, left: Float32Array, right: Float32Array): boolean {
    const count = left.length;
    if (this.#target === null) return false;
    const silent = Math.abs(this.#edge.left) + Math.abs(this.#edge.right) < 1e-5;
    // Nothing is heard of the old position: going to the new one costs nothing.
    if (this.#offset === null || (silent && !this.#has(at - this.#offset, count))) {
      this.#offset = this.#target;
      this.#steering = false;
    }
    const wrong = this.#target - this.#offset;
    const off = Math.abs(wrong);
    if (
      off > JUMP_SAMPLES ||
      (off > STEER_FROM_SAMPLES && this.#power(at - this.#offset) + this.#power(at - this.#target) < QUIET)
    ) {
      return this.#jump(at, left, right);
    }
    if (off > STEER_FROM_SAMPLES) this.#steering = true;
    let change = 0;
    if (this.#steering) {
      const most = MAX_RATE * count;
      change = Math.max(-most, Math.min(most, wrong));
      if (change === wrong) this.#steering = false;
    }
    const audible = this.#render(at, this.#offset, change, left, right, this.#edge);
    this.#offset += change;
    return audible || !silent;
  }

  #jump(at: number, left: Float32Array, right: Float32Array): boolean {
    const from = this.#offset ?? 0;
    const to = this.#landing(at, from, this.#target ?? 0);
    const oldLeft = new Float32Array(CROSSFADE_SAMPLES);
    const oldRight = new Float32Array(CROSSFADE_SAMPLES);
    const oldAudible = this.#render(at, from, 0, oldLeft, oldRight, this.#edge);
    this.#edge = { gain: 1, left: 0, right: 0 };
    const audible = this.#render(at, to, 0, left, right, this.#edge);
    const fade = Math.min(CROSSFADE_SAMPLES, left.length);
    for (let i = 0; i < fade; i++) {
      const weight = (i + 1) / (fade + 1);
      left[i] = (left[i] ?? 0) * weight + (oldLeft[i] ?? 0) * (1 - weight);
      right[i] = (right[i] ?? 0) * weight + (oldRight[i] ?? 0) * (1 - weight);
    }
    this.#offset = to;
    this.#steering = false;
    this.#jumps += 1;
    return audible || oldAudible;
  }

  /** Renders with an offset that goes from `offset` to `offset + change`; answers whether any sample was there. */
  #render(at: number, offset: number, change: number, left: Float32Array, right: Float32Array, edge: Edge): boolean {
    const count = left.length;
    const step = 1 - change / count;
    let range: Range | undefined;
    let audible = false;
    for (let i = 0; i < count; i++) {
      const position = at - offset + i * step;
      const index = Math.floor(position);
      if (!range || index < range.start || index >= range.end) range = this.#rangeAt(index);
      if (!range) {
        edge.gain = 0;
        edge.left *= HOLE_DECAY;
        edge.right *= HOLE_DECAY;
      } else {
        audible = true;
        const fraction = position - index;
        const a = ((index % CAPACITY) + CAPACITY) % CAPACITY;
        // At the end of what is there the last sample stands for the next one.
        const b = index + 1 < range.end ? (a + 1) % CAPACITY : a;
        const l = this.#left[a] ?? 0;
        const r = this.#right[a] ?? 0;
        if (edge.gain < 1) edge.gain = Math.min(1, edge.gain + 1 / FADE_SAMPLES);
        edge.left = (l + ((this.#left[b] ?? 0) - l) * fraction) * edge.gain;
        edge.right = (r + ((this.#right[b] ?? 0) - r) * fraction) * edge.gain;
      }
      left[i] = edge.left;
      right[i] = edge.right;
    }
    return audible;
  }

  /** The offset near `to` at which the sound of the crossfade is most like what would have been heard. */
  #landing(at: number, from: number, to: number): number {
    let best = to;
    let bestLikeness = 0;
    for (let shift = -SEARCH_SAMPLES; shift <= SEARCH_SAMPLES; shift += SEARCH_STEP) {
      let product = 0;
      let power = QUIET;
      for (let i = 0; i < CROSSFADE_SAMPLES; i += SEARCH_STEP) {
        const candidate = this.#sampleAt(at - to - shift + i);
        product += this.#sampleAt(at - from + i) * candidate;
        power += candidate * candidate;
      }
      const likeness = product / Math.sqrt(power);
      if (likeness > bestLikeness * 1.0001) {
        bestLikeness = likeness;
        best = to + shift;
      }
    }
    return best;
  }

  /** Mean square over the length of a crossfade. */
  #power(position: number): number {
    let sum = 0;
    for (let i = 0; i < CROSSFADE_SAMPLES; i += SEARCH_STEP) sum += this.#sampleAt(position + i) ** 2;
    return (sum * SEARCH_STEP) / CROSSFADE_SAMPLES;
  }

  /** Both channels together; 0 where nothing is. */
  #sampleAt(position: number): number {
    const index = Math.floor(position);
    if (!this.#rangeAt(index)) return 0;
    const at = ((index % CAPACITY) + CAPACITY) % CAPACITY;
    return (this.#left[at] ?? 0) + (this.#right[at] ?? 0);
  }

  #has(position: number, count: number): boolean {
    return this.#ranges.some((range) => range.start < position + count && range.end > position);
  }

  #rangeAt(index: number): Range | undefined {
    return this.#ranges.find((range) => index >= range.start && index < range.end);
  }

  #mark(start: number, end: number): void {
    const merged = { start, end };
    const apart: Range[] = [];
    for (const range of this.#ranges) {
      if (range.end < start || range.start > end) apart.push(range);
      else {
        merged.start = Math.min(merged.start, range.start);
        merged.end = Math.max(merged.end, range.end);
      }
    }
    apart.push(merged);
    apart.sort((a, b) => a.start - b.start);
    // What the ring has written over is gone.
    const oldest = (apart.at(-1)?.end ?? 0) - CAPACITY;
    this.#ranges = apart.filter((range) => range.end > oldest);
    const first = this.#ranges[0];
    if (first) first.start = Math.max(first.start, oldest);
  }
}
