/**
 * Comes in: the newest timestamps of one video stream, and where key frames begin. Goes out: by how many ticks the stream's timestamps are
 * too late at the moment, which RtpTimeline.ts takes off.
 *
 * mediasoup lets a stream's timestamps only go forward when it goes over to another simulcast layer. Where the new layer's key frame
 * is not later than what was sent last, it is labelled 33 ms later than that, and everything of this layer is late by the difference,
 * at most 75 ms, until the next switch (`tsExtraOffset` in SimulcastProducerStreamManager.cpp of mediasoup 3.27.1). That is the usual case: a
 * sender encodes all layers of a picture one after the other, so that the layer that was sent and the one that is gone over to
 * both have the same picture. Sender reports tell of the shift, but only a second later: until then the source would be a frame
 * behind, the picture at the switch would be seen twice, and then one never.
 *
 * So of all that mediasoup may have done at a key frame the likeliest is taken. Two things speak:
 * - Labels. A camera of a steady rate, labelled to the tick, has its pictures at whole multiples of the time between two. A step of
 *   2,970 ticks where each picture is 3,000 later than the one before was made by mediasoup.
 * - Arrivals. A picture may come late, by a stall of any process on the way, but it never comes earlier than the network's shortest
 *   way allows. So it is compared with the shortest way of the last seconds, and not with the picture before, which may have been late.
 * Where that was wrong all the same the next sender report tells, and `correct` says what was true of all that was possible.
 */

/** `OffsetMs` and `MaxExtraOffsetMs` there. */
const EXTRA_MS = 33;
const MAX_EXTRA_MS = 75;
/** A longer gap: the stream was paused, and mediasoup has aligned it anew, ms. */
const PAUSE_MS = 1_000;
/** Sender reports are not more exact than this, ms. */
const REPORT_MS = 12;
/** Intervals by which a camera's rate is known, and the fewest of them. */
const MAX_INTERVALS = 16;
const MIN_INTERVALS = 6;
/** Rounding to ticks is in both labels. */
const EXACT_TICKS = 2;
/** The interval is known to this. */
const INTERVAL_TICKS = 0.1;
/** The shortest way may become longer by this: a clock that drifts, a network that changes, ms per ms. */
const WAY_RISES = 0.005;

/** What speaks against something that may have been, as ms of unlikely lateness. */
const AGAINST = {
  /** Earlier than the shortest way, for each ms. */
  early: 2,
  /** Lateness beyond this says nothing more, ms. */
  mostLate: 100,
  /** A label that is not where a picture of this camera can be. */
  misfit: 60,
  /** A layer that needed no shift: its last picture was left out, or the switch waited for it. */
  unshifted: 18,
  /** The same picture in both layers. */
  same: 6,
  /** The new layer's key frame is another picture than the last one: earlier, or hidden in the shift before. */
  other: 20,
} as const;

interface Guess {
  /** What the shift is then. */
  shift: number;
  /** By so much what was captured went on. */
  trueStep: number;
  against: number;
}

/** What was known at a frame. */
interface Known {
  timestamp: number;
  /** Capture time in ticks, from any zero. */
  true: number;
  arrivalMs: number;
}

export class LayerShift {
  readonly #ticksPerMs: number;
  #ticks = 0;
  #newest: Known | null = null;
  /** The frame before the newest, and whether the newest was judged as a key frame. */
  #before: Known | null = null;
  #judged = false;
  /** Ticks between frames that followed each other in an ordinary way. */
  readonly #intervals: number[] = [];
  /** The shortest way from capture to arrival, ms from any zero. */
  #wayMs = Number.POSITIVE_INFINITY;
  /** What else was possible at the last key frame; empty once a report has spoken. */
  #possible: number[] = [];

  constructor(clockRate: number) {
    this.#ticksPerMs = clockRate / 1000;
  }

  /** By so much the timestamps are too late. */
  get ticks(): number {
    return this.#ticks;
  }

  /** A packet that is newer, by sequence number, than all before. */
  advance(timestamp: number, startsKeyFrame: boolean, arrivalMs: number): void {
    const newest = this.#newest;
    if (newest?.timestamp !== timestamp) {
      this.#learn();
      const step = newest ? (timestamp - newest.timestamp) | 0 : 0;
      this.#before = newest;
      this.#newest = { timestamp, true: (newest?.true ?? 0) + step, arrivalMs };
      this.#judged = false;
    }
    if (startsKeyFrame) this.startOf(timestamp);
  }

  /** The frame of this timestamp is a key frame; nothing when it is not the newest. */
  startOf(timestamp: number): void {
    if (timestamp === this.#newest?.timestamp && !this.#judged) this.#keyFrame();
  }

  /**
   * A sender report says that timestamps are too late by `ticks` more than was thought. Answers whether the last switch explains it; the
   * shift is right then.
   */
  correct(ticks: number): boolean {
    const truth = this.#ticks + ticks;
    const near = (shift: number) => Math.abs(shift - truth);
    const [best] = this.#possible.toSorted((a, b) => near(a) - near(b));
    if (best === undefined || best === this.#ticks || near(best) > REPORT_MS * this.#ticksPerMs) return false;
    if (this.#newest) this.#newest.true -= best - this.#ticks;
    this.#ticks = best;
    this.confirm();
    this.#wayMs = Number.POSITIVE_INFINITY;
    return true;
  }

  /** A sender report says that the shift is right. */
  confirm(): void {
    this.#possible = [];
  }

  /** The newest frame is whole, so that it is known whether it was a key frame. */
  #learn(): void {
    const [newest, before] = [this.#newest, this.#before];
    if (!newest) return;
    const wayMs = newest.arrivalMs - newest.true / this.#ticksPerMs;
    const gapMs = before ? Math.max(0, newest.arrivalMs - before.arrivalMs) : 0;
    this.#wayMs = Math.min(this.#wayMs + gapMs * WAY_RISES, wayMs);
    const step = before ? newest.true - before.true : 0;
    if (this.#judged || step <= 0 || step > PAUSE_MS * this.#ticksPerMs) return;
    this.#intervals.push(step);
    if (this.#intervals.length > MAX_INTERVALS) this.#intervals.shift();
  }

  #keyFrame(): void {
    this.#judged = true;
    const [newest, before] = [this.#newest, this.#before];
    if (!newest || !before) return;
    const step = (newest.timestamp - before.timestamp) | 0;
    const guesses = this.#guesses(step, newest.arrivalMs - before.arrivalMs);
    for (const guess of guesses) guess.against += this.#against(guess, before, newest.arrivalMs);
    const best = guesses.reduce((a, b) => (b.against < a.against ? b : a));
    this.#possible = guesses.map(({ shift }) => shift);
    this.#ticks = best.shift;
    newest.true = before.true + best.trueStep;
  }

  /** All that may have been, with what speaks against each from the start. */
  #guesses(step: number, gapMs: number): Guess[] {
    const [shift, extra, most] = [this.#ticks, EXTRA_MS * this.#ticksPerMs, MAX_EXTRA_MS * this.#ticksPerMs];
    const paused = gapMs > PAUSE_MS;
    // The same layer goes on, or what came anew needed no shift.
    const guesses = [{ shift, trueStep: step, against: paused ? AGAINST.unshifted : 0 }];
    if (shift !== 0) guesses.push({ shift: 0, trueStep: step + shift, against: paused ? 0 : AGAINST.unshifted });
    if (Math.abs(step - extra) > 1) return guesses;
    guesses.push({ shift: shift + step, trueStep: 0, against: AGAINST.same });
    const interval = this.#interval;
    for (const pictures of interval === null ? [] : [-1, 1]) {
      const trueStep = pictures * (interval ?? 0);
      const other = shift + step - trueStep;
      if (other >= step - 1) guesses.push({ shift: other, trueStep, against: AGAINST.other });
    }
    return guesses.filter((guess) => guess.shift <= Math.max(most, shift));
  }

  #against({ trueStep, shift }: Guess, before: Known, arrivalMs: number): number {
    let against = 0;
    const lateMs = arrivalMs - (before.true + trueStep) / this.#ticksPerMs - this.#wayMs;
    if (Number.isFinite(lateMs)) {
      against += Math.min(AGAINST.mostLate, lateMs < 0 ? -lateMs * AGAINST.early : lateMs);
    }
    const interval = this.#interval;
    // A layer does not have one picture twice.
    const least = shift === this.#ticks ? (interval ?? 0) / 2 : -1;
    if (shift === this.#ticks && trueStep < least) against += AGAINST.misfit;
    else if (interval !== null && this.#isExact(interval)) {
      const pictures = Math.round(trueStep / interval);
      const tolerance = EXACT_TICKS + pictures * INTERVAL_TICKS;
      if (Math.abs(trueStep - pictures * interval) > tolerance) against += AGAINST.misfit;
    }
    return against;
  }

  /** Ticks from one picture to the next; null while it is not known. */
  get #interval(): number | null {
    if (this.#intervals.length < MIN_INTERVALS) return null;
    const least = Math.min(...this.#intervals);
    const pictures = this.#intervals.reduce((sum, step) => sum + Math.round(step / least), 0);
    return this.#intervals.reduce((sum, step) => sum + step, 0) / pictures;
  }

  /** Whether this camera's labels are whole multiples of its interval. */
  #isExact(interval: number): boolean {
    return this.#intervals.every((step) => Math.abs(step - Math.round(step / interval) * interval) <= EXACT_TICKS);
  }
}
