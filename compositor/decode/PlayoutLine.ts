/**
 * Where the samples of a source belong in the program: a straight line that is fitted to the mappings that come with its
 * packets. Pure. Used by decode/PcmTrack.ts.
 *
 * Timestamps. From: source samples (RTP at 48 kHz, unwrapped). To: program samples; the line is `program = source + offset`,
 * and the offset grows by `drift` a sample, since the sender's clock is not the program's. Mappings jitter by a ms or so,
 * because sender reports are stamped in whole ms and estimated from arrivals. An alpha-beta filter over the means of
 * seconds follows the drift and not the jitter: it fits all that is known at first, and forgets with a time constant of 40 s later.
 * A mapping that is off by more than 2 ms three times in a row, or by more than 12 ms once, is a real step (another
 * playout delay, a new estimate of capture): the line is moved by it as a whole, its drift stays.
 */
const SAMPLES_PER_MS = 48;
const SAMPLES_PER_SECOND = 48_000;
/** Jitter of the mapping is below this. */
const STEP_SAMPLES = 2 * SAMPLES_PER_MS;
const STEP_OBSERVATIONS = 3;
/** No jitter is as large: moved at once. */
const JUMP_SAMPLES = 12 * SAMPLES_PER_MS;
/** Observations are averaged over this long before the line is moved. */
const UPDATE_SAMPLES = SAMPLES_PER_SECOND;
/** Before anything is known the clock is taken as right; this counts as so many seconds of observation. */
const PRIOR_SECONDS = 3;
const TIME_CONSTANT_SECONDS = 40;
const THETA = Math.exp(-1 / TIME_CONSTANT_SECONDS);
/** Gains of a critically damped filter with that time constant. */
const LEAST_ALPHA = 1 - THETA ** 2;
const LEAST_BETA = (1 - THETA) ** 2;
/** After silence of more seconds than this, what was learnt of the position is old. */
const MAX_GAP_SECONDS = 5;
/** Quartz is within 300 ppm; beyond this an estimate is an error. */
const MAX_DRIFT = 0.002;

export class PlayoutLine {
  /** The line: `offset` at source sample `at`. */
  #at: number;
  #offset: number;
  #drift = 0;
  #seconds = PRIOR_SECONDS;
  #since: number;
  #sum = 0;
  #count = 0;
  #steps = 0;

  constructor(source: number, offset: number) {
    this.#at = source;
    this.#since = source;
    this.#offset = offset;
  }

  /** Program samples that the offset grows by in one source sample: +0.0003 where the sender's clock is 300 ppm slow. */
  get drift(): number {
    return this.#drift;
  }

  /** Program sample at which `source` is to be heard, minus `source`. */
  offsetAt(source: number): number {
    return this.#offset + this.#drift * (source - this.#at);
  }

  /** The source sample that is to be heard at program sample `program`. */
  sourceAt(program: number): number {
    return this.#at + (program - this.#offset - this.#at) / (1 + this.#drift);
  }

  /** A packet that begins at `source` came with this mapping. */
  observe(source: number, offset: number): void {
    const wrong = offset - this.offsetAt(source);
    if (Math.abs(wrong) > STEP_SAMPLES) {
      this.#steps = Math.sign(wrong) * Math.max(0, this.#steps * Math.sign(wrong)) + Math.sign(wrong);
      if (Math.abs(wrong) <= JUMP_SAMPLES && Math.abs(this.#steps) < STEP_OBSERVATIONS) return;
      this.#offset += wrong;
      this.#begin(source);
      return;
    }
    this.#steps = 0;
    // A packet that comes late, in source time, has nothing to add.
    if (source < this.#since) return;
    this.#sum += wrong;
    this.#count += 1;
    if (source - this.#since >= UPDATE_SAMPLES) this.#update(source);
  }

  #update(source: number): void {
    const seconds = (source - this.#since) / SAMPLES_PER_SECOND;
    const mean = this.#sum / this.#count;
    if (seconds > MAX_GAP_SECONDS) {
      this.#offset += mean;
      this.#begin(source);
      return;
    }
    this.#seconds += 1;
    const n = this.#seconds;
    // The gains of a least-squares fit of a line to n observations, until the filter's own are larger.
    const alpha = Math.max(LEAST_ALPHA, (2 * (2 * n - 1)) / (n * (n + 1)));
    const beta = Math.max(LEAST_BETA, 6 / (n * (n + 1)));
    this.#offset = this.offsetAt(source) + alpha * mean;
    this.#at = source;
    const drift = this.#drift + (beta * mean) / (seconds * SAMPLES_PER_SECOND);
    this.#drift = Math.max(-MAX_DRIFT, Math.min(MAX_DRIFT, drift));
    this.#begin(source);
  }

  #begin(source: number): void {
    this.#since = source;
    this.#sum = 0;
    this.#count = 0;
    this.#steps = 0;
  }
}
