/**
 * Comes in: where key frames of one video stream begin. Goes out: by how many ticks the stream's timestamps are too late at the moment,
 * which RtpTimeline.ts takes off.
 *
 * mediasoup lets a stream's timestamps only go forward when it goes over to another simulcast layer. Where the new layer's key frame
 * is not later than what was sent last, it is labelled 33 ms later than that, and everything of this layer is late by the difference
 * (`tsExtraOffset` in SimulcastProducerStreamManager.cpp of mediasoup 3.27.1). That is the usual case: a sender encodes all layers of a
 * picture one after the other, so that the layer that was sent and the one that is gone over to both have the same picture. Sender
 * reports tell of the shift, but only a second later: until then the source would be a frame behind, the picture at the switch
 * would be seen twice, and then one never.
 *
 * What mediasoup did is told from the time between the arrivals of the frame before and of the key frame: of all that it may have
 * done the one counts that fits best. Where that is wrong the next sender report steps the mapping, as it always did.
 */

/** `OffsetMs` there. */
const EXTRA_MS = 33;
/** A network trembles: what changes the shift must fit better than what does not, by this much, ms. */
const CAUTION_MS = 6;
/** A longer gap tells nothing, ms. */
const MAX_GAP_MS = 1_000;

export class LayerShift {
  readonly #ticksPerMs: number;
  #ticks = 0;
  #timestamp: number | null = null;
  #arrivalMs = 0;
  /** Between the last two frames that followed each other in an ordinary way. */
  #intervalTicks = 0;

  constructor(clockRate: number) {
    this.#ticksPerMs = clockRate / 1000;
  }

  /** By so much the timestamps are too late. */
  get ticks(): number {
    return this.#ticks;
  }

  /** A packet that is newer, by sequence number, than all before. */
  advance(timestamp: number, startsKeyFrame: boolean, arrivalMs: number): void {
    const before = this.#timestamp;
    const gapMs = arrivalMs - this.#arrivalMs;
    if (before === timestamp) return;
    this.#timestamp = timestamp;
    this.#arrivalMs = arrivalMs;
    if (before === null || gapMs > MAX_GAP_MS) return;
    const step = (timestamp - before) | 0;
    if (startsKeyFrame) this.#ticks = this.#shiftAfter(step, gapMs);
    else if (step > 0) this.#intervalTicks = step;
  }

  #shiftAfter(step: number, gapMs: number): number {
    const error = (trueTicks: number) => Math.abs(trueTicks / this.#ticksPerMs - gapMs);
    let best = this.#ticks;
    let least = error(step) - CAUTION_MS;
    const consider = (shift: number) => {
      // What was captured went on by the step of the timestamps less what the shift has grown by.
      const trueTicks = step - shift + this.#ticks;
      if (trueTicks < -1 || error(trueTicks) >= least) return;
      least = error(trueTicks);
      best = shift;
    };
    // Another layer whose key frame was late enough by itself.
    if (this.#ticks !== 0) consider(0);
    // Rounding is in both layers' timestamps.
    if (Math.abs(step - EXTRA_MS * this.#ticksPerMs) <= 1) {
      consider(this.#ticks + step);
      const next = this.#ticks + step - this.#intervalTicks;
      if (next > 0) consider(next);
    }
    return best;
  }
}
