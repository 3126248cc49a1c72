/**
 * One strip of the desk. In: a PcmTrack; order of stages: read → measure → automatic gain → fader → sum. Used by
 * compose/Mixer.ts.
 */
import type { Pcm } from '../decode/OpusDecoder.ts';
import type { PcmTrack } from '../decode/PcmTrack.ts';
import { AutoGain } from './AutoGain.ts';
import { powerOf } from './KWeighting.ts';
import { gainOf } from './levels.ts';
import { SpeechMeter } from './SpeechMeter.ts';

const SAMPLE_RATE = 48_000;
/** A source speaks where it is louder than this in the program: what is under it does not hide music. */
const SPEAKS_POWER = powerOf(-45);

export class SourceChannel {
  readonly track: PcmTrack;
  /** Factor of the scene: volume, mute, solo. What it is set to is reached over the next block. */
  fader: number;
  readonly #meter = new SpeechMeter();
  readonly #auto: AutoGain;
  /** Factor at the end of the last block. */
  #gain: number;
  #speaks = false;

  /** `carried`: a predecessor's automatic gain, and the target that it was for. */
  constructor(track: PcmTrack, fader: number, carried?: { gainDb: number; targetLufs: number } | null) {
    this.track = track;
    this.fader = fader;
    this.#auto = new AutoGain(carried?.gainDb ?? 0);
    // 0 is what one says that has heard nothing.
    if (carried && carried.gainDb !== 0) this.#meter.carry(carried.targetLufs - carried.gainDb);
    this.#gain = fader * gainOf(this.#auto.db);
  }

  /** The automatic gain, dB. */
  get gainDb(): number {
    return this.#auto.db;
  }

  /** Somebody is heard in the last block. */
  get speaks(): boolean {
    return this.#speaks;
  }

  /**
   * Adds the program samples from `at` on to `sum`, and the same to `own` where there is one; `block` is overwritten. `targetLufs` null: no
   * automatic gain.
   */
  add(at: number, sum: Pcm, block: Pcm, targetLufs: number | null, own?: Pcm): void {
    const count = sum.left.length;
    // A muted source is read and measured all the same: its position, its fades and its gain go on.
    const audible = this.track.read(at, block.left, block.right);
    if (targetLufs !== null) this.#meter.loudLufs = targetLufs;
    if (audible) this.#meter.measure(block.left, block.right, this.track.mono);
    else this.#meter.measureSilence(count);
    this.#auto.advance(count / SAMPLE_RATE, targetLufs, {
      lufs: this.#meter.loudnessLufs,
      known: this.#meter.seconds,
    });
    const from = this.#gain;
    const to = this.fader * gainOf(this.#auto.db);
    this.#gain = to;
    this.#speaks = audible && this.#meter.standsOut && this.#meter.power * to ** 2 > SPEAKS_POWER;
    if (!audible || (from === 0 && to === 0)) return;
    mixIn(sum, block, from, to);
    if (own) mixIn(own, block, from, to);
  }
}

/** Adds a block with a gain that goes in a straight line. */
function mixIn(sum: Pcm, block: Pcm, from: number, to: number): void {
  const count = sum.left.length;
  const step = (to - from) / count;
  for (let i = 0; i < count; i++) {
    const gain = from + step * i;
    sum.left[i] = (sum.left[i] as number) + (block.left[i] as number) * gain;
    sum.right[i] = (sum.right[i] as number) + (block.right[i] as number) * gain;
  }
}
