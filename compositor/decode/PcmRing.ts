/**
 * The newest 2.7 s of one source's samples, by source time. In: blocks of decode/OpusDecoder.ts; out: what is there, and
 * where holes are; next: decode/HoleFiller.ts.
 *
 * Drop policy. What is written over is gone; a block that is further than the ring from what is there begins anew.
 */
import type { Pcm } from './OpusDecoder.ts';

/** 2.7 s at 48 kHz: more than the longest playout delay and a stall of the process together. A power of two. */
export const RING_SAMPLES = 1 << 17;
const MASK = RING_SAMPLES - 1;

/** Source samples from `start` to before `end`. */
export interface Range {
  start: number;
  end: number;
}

export class PcmRing {
  readonly #left = new Float32Array(RING_SAMPLES);
  readonly #right = new Float32Array(RING_SAMPLES);
  /** What is written, ascending and apart. */
  #ranges: Range[] = [];
  /** From here on both channels are equal. */
  #monoFrom = Number.NEGATIVE_INFINITY;

  /** True where both channels are equal from `index` to the end. */
  isMonoFrom(index: number): boolean {
    return index >= this.#monoFrom;
  }

  /** Answers false when all that was there was forgotten for it: it is another stream. */
  write({ left, right }: Pcm, start: number): boolean {
    const end = start + left.length;
    const last = this.#ranges.at(-1);
    const anew = last !== undefined && (start > last.end + RING_SAMPLES || end < last.end - RING_SAMPLES);
    if (anew) {
      this.#ranges = [];
      this.#monoFrom = Number.NEGATIVE_INFINITY;
    }
    put(this.#left, left, start);
    put(this.#right, right, start);
    let equal = left.length;
    while (equal > 0 && left[equal - 1] === right[equal - 1]) equal -= 1;
    if (equal > 0) this.#monoFrom = Math.max(this.#monoFrom, start + equal);
    this.#mark(start, end);
    return !anew;
  }

  /** The range that holds `index`, or else the first one behind it. */
  rangeFrom(index: number): Range | undefined {
    for (const range of this.#ranges) if (range.end > index) return range;
    return undefined;
  }

  /** Whether any of these samples is there. */
  has(index: number, count: number): boolean {
    const range = this.rangeFrom(index);
    return range !== undefined && range.start < index + count;
  }

  /** Copies samples of one range to `to[at]` and on. */
  copy(index: number, count: number, to: Pcm, at: number, mono: boolean): void {
    const from = index & MASK;
    const first = Math.min(count, RING_SAMPLES - from);
    to.left.set(this.#left.subarray(from, from + first), at);
    if (first < count) to.left.set(this.#left.subarray(0, count - first), at + first);
    if (mono) return;
    to.right.set(this.#right.subarray(from, from + first), at);
    if (first < count) to.right.set(this.#right.subarray(0, count - first), at + first);
  }

  /** The mean of both channels; 0 where nothing is. */
  sampleAt(index: number): number {
    const range = this.rangeFrom(index);
    if (!range || index < range.start) return 0;
    return ((this.#left[index & MASK] ?? 0) + (this.#right[index & MASK] ?? 0)) / 2;
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
    const oldest = (apart.at(-1)?.end ?? 0) - RING_SAMPLES;
    this.#ranges = apart.filter((range) => range.end > oldest);
    const first = this.#ranges[0];
    if (first) first.start = Math.max(first.start, oldest);
  }
}

/** `&` takes an index modulo 2^32, negative ones too, and so modulo the ring. */
function put(ring: Float32Array, samples: Float32Array, start: number): void {
  const at = start & MASK;
  const first = Math.min(samples.length, RING_SAMPLES - at);
  ring.set(samples.subarray(0, first), at);
  if (first < samples.length) ring.set(samples.subarray(first), 0);
}
