/**
 * How loud one source speaks. In: its samples as they come; out: gated loudness (ITU-R BS.1770-4: blocks of 400 ms that
 * overlap by 300 ms, a relative gate of −10 LU) over the last 10 s of speech, and whether somebody speaks just now. Used by
 * compose/SourceChannel.ts.
 *
 * What is no speech must not be brought up: the absolute gate is −50 LUFS, not the −70 LUFS of the recommendation, and blocks only
 * count where the level of the last 3 s went up and down as syllables do. A steady noise does not, nor does its beginning or
 * end. Sound that is louder than `loud` counts in any case. When a voice becomes louder for 2 s or quieter for 6 s, by more than
 * 6 LU (another distance to the microphone), what was before is forgotten.
 */
import { KWeighting, loudnessOf, powerOf } from './KWeighting.ts';

/** BS.1770's step of 100 ms at 48 kHz, and its block. */
const STEP_SAMPLES = 4800;
const STEPS_PER_BLOCK = 4;
/** Steps that are looked at to tell speech: 3 s. */
const RECENT_STEPS = 30;
/** With less nothing can be said: 0.8 s. */
const LEAST_STEPS = 8;
const ABSOLUTE_GATE = powerOf(-50);
/** −10 LU. */
const RELATIVE_GATE = 0.1;
/** A level that goes from 4 dB below the largest to 9 dB below it, or back, has changed; as powers. */
const HIGH = 10 ** -0.4;
const LOW = 10 ** -0.9;
/** A pause of noise has one change at each end; syllables have more. */
const LEAST_CHANGES = 3;
/** 10 s of speech: long enough for words of all kinds, short enough to follow a speaker who gets quieter. */
const MAX_BLOCKS = 100;
/** Blocks by which a change is told: louder, quieter; and the change, 6 LU as powers. */
const LOUDER_BLOCKS = 20;
const QUIETER_BLOCKS = 60;
const CHANGE = 10 ** 0.6;
/** Somebody speaks when the newest samples are this much above the least of the last 3 s (6 dB). */
const ABOVE_FLOOR = 4;
/** What a predecessor knew counts as 5 s of speech. */
const CARRIED_BLOCKS = 50;

export class SpeechMeter {
  readonly #filters = [new KWeighting(), new KWeighting()] as const;
  /** Of the step that is not whole yet: energy, samples. */
  #energy = 0;
  #count = 0;
  /** Powers of the last steps. */
  #recent: number[] = [];
  /** Blocks of which is not known yet whether they are speech. */
  #pending: number[] = [];
  /** Blocks of speech. */
  #blocks: number[] = [];
  #newest = 0;
  #floor = 0;
  #loudness: number | null = null;
  #loud = Number.POSITIVE_INFINITY;

  /** LUFS; null before half a second of speech. */
  get loudnessLufs(): number | null {
    return this.#loudness;
  }

  /** Seconds of speech that are known, up to 10. */
  get seconds(): number {
    return (this.#blocks.length * STEP_SAMPLES) / 48_000;
  }

  /** Weighted mean square of what was measured last, both channels summed. */
  get power(): number {
    return this.#newest;
  }

  /** What was measured last stands out of the noise. */
  get standsOut(): boolean {
    return this.#newest > this.#floor * ABOVE_FLOOR;
  }

  /** Sound above this counts, whether it is speech or not, LUFS. */
  set loudLufs(lufs: number) {
    this.#loud = powerOf(lufs);
  }

  /** What a predecessor had found out, LUFS. */
  carry(lufs: number): void {
    this.#blocks = new Array<number>(CARRIED_BLOCKS).fill(powerOf(lufs));
    this.#loudness = lufs;
  }

  /** The next samples; of a mono source only `left` is looked at, and counts twice. */
  measure(left: Float32Array, right: Float32Array, mono: boolean): void {
    const [first, second] = this.#filters;
    let all = 0;
    for (let at = 0; at < left.length; ) {
      const end = Math.min(left.length, at + STEP_SAMPLES - this.#count);
      const one = first.energy(left, at, end);
      const energy = one + (mono ? one : second.energy(right, at, end));
      all += energy;
      this.#advance(energy, end - at);
      at = end;
    }
    this.#newest = all / left.length;
  }

  /** The next `count` samples are silent. */
  measureSilence(count: number): void {
    for (const filter of this.#filters) filter.clear();
    this.#newest = 0;
    for (let left = count; left > 0; ) {
      const part = Math.min(left, STEP_SAMPLES - this.#count);
      this.#advance(0, part);
      left -= part;
    }
  }

  #advance(energy: number, count: number): void {
    this.#energy += energy;
    this.#count += count;
    if (this.#count < STEP_SAMPLES) return;
    this.#step(this.#energy / STEP_SAMPLES);
    this.#energy = 0;
    this.#count = 0;
  }

  #step(power: number): void {
    const recent = this.#recent;
    recent.push(power);
    if (recent.length > RECENT_STEPS) recent.shift();
    this.#floor = Math.min(...recent);
    if (recent.length < STEPS_PER_BLOCK) return;
    this.#pending.push(mean(recent.slice(-STEPS_PER_BLOCK)));
    if (this.#pending.length > RECENT_STEPS) this.#pending.shift();
    if (recent.length < LEAST_STEPS) return;
    if (!isSpeech(recent) && mean(recent) < this.#loud) return;
    this.#blocks.push(...this.#pending.splice(0).filter((block) => block > ABSOLUTE_GATE));
    if (this.#blocks.length > MAX_BLOCKS) this.#blocks.splice(0, this.#blocks.length - MAX_BLOCKS);
    this.#judge();
  }

  #judge(): void {
    if (this.#blocks.length < LEAST_STEPS - STEPS_PER_BLOCK + 1) return;
    let power = gated(this.#blocks);
    if (this.#forget(power)) power = gated(this.#blocks);
    this.#loudness = loudnessOf(power);
  }

  #forget(power: number): boolean {
    for (const [count, changed] of [
      [LOUDER_BLOCKS, (now: number) => now > power * CHANGE],
      [QUIETER_BLOCKS, (now: number) => now < power / CHANGE],
    ] as const) {
      if (this.#blocks.length <= count || !changed(gated(this.#blocks.slice(-count)))) continue;
      this.#blocks.splice(0, this.#blocks.length - count);
      return true;
    }
    return false;
  }
}

/** Whether levels change as those of syllables and words. */
function isSpeech(powers: readonly number[]): boolean {
  const most = Math.max(...powers);
  let high: boolean | null = null;
  let changes = 0;
  for (const power of powers) {
    const next: boolean | null = power > most * HIGH ? true : power < most * LOW ? false : high;
    if (high !== null && next !== high) changes += 1;
    high = next;
  }
  return changes >= LEAST_CHANGES;
}

/** The mean of the blocks that are not more than 10 LU below the mean of all. */
function gated(blocks: readonly number[]): number {
  const gate = mean(blocks) * RELATIVE_GATE;
  return mean(blocks.filter((block) => block > gate));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
