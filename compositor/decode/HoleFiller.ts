/**
 * Consecutive samples of a PcmRing, with holes made unheard. In: decode/PcmRing.ts; out: samples without a gap; next:
 * decode/PcmTrack.ts.
 *
 * A hole (a lost packet, discontinuous transmission) begins with a repetition of the last pitch period, as in ITU-T G.711
 * Appendix I: whole for 10 ms, then fading, gone after 60 ms, since longer guesses sound like a robot. What follows the
 * hole, and the beginning of a stream, is faded in over 5 ms. An end of sound is never a step: where period and signal do not
 * meet, their difference decays within 7 ms.
 */
import type { Pcm } from './OpusDecoder.ts';
import type { PcmRing } from './PcmRing.ts';
import { pitchPeriod } from './pitchPeriod.ts';

const SAMPLES_PER_MS = 48;
const FADE_IN_SAMPLES = 5 * SAMPLES_PER_MS;
const WHOLE_SAMPLES = 10 * SAMPLES_PER_MS;
const GONE_SAMPLES = 60 * SAMPLES_PER_MS;
/** The pitch is looked for in this much of the past. */
const PAST_SAMPLES = 32 * SAMPLES_PER_MS;
/** With less, nothing is repeated. */
const LEAST_PAST_SAMPLES = 10 * SAMPLES_PER_MS;
/** The difference at the start of a hole decays by this a sample: −60 dB in 7 ms. */
const DECAY = 0.98;
/** Ends of a period are blended over a quarter of it. */
const SEAM = 4;

interface Repetition {
  /** Samples since the hole began. */
  age: number;
  /** One period of each channel. */
  period: Pcm;
  /** What is left of the difference between signal and repetition. */
  differenceLeft: number;
  differenceRight: number;
}

/** How loud a repetition is after `age` samples. */
const LEVEL = Float32Array.from({ length: GONE_SAMPLES }, (_, age) =>
  age < WHOLE_SAMPLES ? 1 : Math.cos((Math.PI / 2) * ((age - WHOLE_SAMPLES) / (GONE_SAMPLES - WHOLE_SAMPLES))) ** 2,
);

export class HoleFiller {
  readonly #ring: PcmRing;
  #next: number;
  /** Running on from the sound before a hole; null where nothing is to be heard of it any more. */
  #repetition: Repetition | null = null;
  /** In a hole, or before the beginning. */
  #inHole = true;
  /** Samples of a fade-in to come. */
  #fadeIn = FADE_IN_SAMPLES;

  /** Begins at source sample `at`; `faded`: in the middle of sound, for a crossfade of the caller's. */
  constructor(ring: PcmRing, at: number, faded = true) {
    this.#ring = ring;
    this.#next = at;
    if (faded || !ring.has(at, 1)) return;
    this.#inHole = false;
    this.#fadeIn = 0;
  }

  /** The source sample that `pull` begins with. */
  get next(): number {
    return this.#next;
  }

  /** Writes `count` samples to `to[at]` and on (only the left channel when `mono`); false when all of them are 0. */
  pull(count: number, to: Pcm, at: number, mono: boolean): boolean {
    let audible = false;
    for (let done = 0; done < count; ) {
      const range = this.#ring.rangeFrom(this.#next);
      if (range && range.start <= this.#next) {
        const length = Math.min(count - done, range.end - this.#next);
        this.#ring.copy(this.#next, length, to, at + done, mono);
        this.#inHole = false;
        if (this.#fadeIn > 0) this.#blend(length, to, at + done, mono);
        audible = true;
        this.#next += length;
        done += length;
      } else {
        const length = Math.min(count - done, (range?.start ?? Number.POSITIVE_INFINITY) - this.#next);
        if (!this.#inHole) this.#beginHole();
        audible = this.#repeat(length, to, at + done, mono) || audible;
        this.#next += length;
        done += length;
      }
    }
    return audible;
  }

  /** A fade from the repetition, or silence, into what is there. */
  #blend(length: number, to: Pcm, at: number, mono: boolean): void {
    const count = Math.min(length, this.#fadeIn);
    const under = { left: new Float32Array(count), right: new Float32Array(count) };
    this.#repeat(count, under, 0, mono);
    for (let i = 0; i < count; i++) {
      const weight = 1 - (this.#fadeIn - i) / (FADE_IN_SAMPLES + 1);
      to.left[at + i] = (to.left[at + i] ?? 0) * weight + (under.left[i] ?? 0) * (1 - weight);
      if (!mono) to.right[at + i] = (to.right[at + i] ?? 0) * weight + (under.right[i] ?? 0) * (1 - weight);
    }
    this.#fadeIn -= count;
    if (this.#fadeIn === 0) this.#repetition = null;
  }

  #beginHole(): void {
    this.#inHole = true;
    // Within a fade the repetition of the hole before it goes on: what is there is too short to tell a pitch.
    if (this.#fadeIn === 0 || !this.#repetition) this.#repetition = this.#repetitionOf(this.#next);
    this.#fadeIn = FADE_IN_SAMPLES;
  }

  /** From the sound that ends before `end`. */
  #repetitionOf(end: number): Repetition {
    const ring = this.#ring;
    const range = ring.rangeFrom(end - 1);
    // What begins later is no past: where reading has fallen behind all that there is, there is none.
    const length = Math.max(0, Math.min(PAST_SAMPLES, end - (range?.start ?? end)));
    const past = { left: new Float32Array(length), right: new Float32Array(length) };
    ring.copy(end - length, length, past, 0, false);
    const lastLeft = past.left.at(-1) ?? 0;
    const lastRight = past.right.at(-1) ?? 0;
    if (length < LEAST_PAST_SAMPLES) {
      const nothing = { left: new Float32Array(1), right: new Float32Array(1) };
      return { age: 0, period: nothing, differenceLeft: lastLeft, differenceRight: lastRight };
    }
    const samples = pitchPeriod(past);
    const before = length - samples - 1;
    return {
      age: 0,
      period: { left: periodOf(past.left, samples), right: periodOf(past.right, samples) },
      differenceLeft: lastLeft - (past.left[before] ?? 0),
      differenceRight: lastRight - (past.right[before] ?? 0),
    };
  }

  #repeat(count: number, to: Pcm, at: number, mono: boolean): boolean {
    const repetition = this.#repetition;
    if (!repetition || repetition.age >= GONE_SAMPLES) {
      to.left.fill(0, at, at + count);
      if (!mono) to.right.fill(0, at, at + count);
      return false;
    }
    const { period } = repetition;
    const length = period.left.length;
    for (let i = 0; i < count; i++) {
      const k = repetition.age % length;
      const level = LEVEL[repetition.age] ?? 0;
      to.left[at + i] = ((period.left[k] ?? 0) + repetition.differenceLeft) * level;
      if (!mono) to.right[at + i] = ((period.right[k] ?? 0) + repetition.differenceRight) * level;
      repetition.differenceLeft *= DECAY;
      repetition.differenceRight *= DECAY;
      repetition.age += 1;
    }
    return true;
  }
}

/** The last `samples` of `past`, with an end that meets its beginning. */
function periodOf(past: Float32Array, samples: number): Float32Array {
  const start = past.length - samples;
  const period = past.slice(start);
  const seam = Math.min(Math.floor(samples / SEAM), start);
  for (let i = 0; i < seam; i++) {
    const weight = (i + 1) / (seam + 1);
    const k = samples - seam + i;
    period[k] = (period[k] ?? 0) * (1 - weight) + (past[start - seam + i] ?? 0) * weight;
  }
  return period;
}
