/** A clock that is passed in, so that tests set it. */
export interface Clock {
  /** Milliseconds, monotonic, arbitrary zero. */
  now(): number;
}

export const monotonicClock: Clock = { now: () => performance.now() };

/** One four-timestamp exchange: asked at t0 and answered at t3 on our clock, received at t1 and sent at t2 on theirs (RFC 5905 section 8). */
export interface Exchange {
  t0: number;
  t1: number;
  t2: number;
  t3: number;
}

/** Slewing of the offset: 500 ppm, NTP's limit. */
const SLEW_PPM = 500;
/** Exchanges that are looked at; the one with the shortest way wins. */
const WINDOW = 8;
/** A step is taken at once when the offset is wrong by more than this, ms: only before anything was timed by it. */
const STEP_MS = 100;

/**
 * Follows another clock by four-timestamp exchanges: `now()` is that clock's time, monotonic, slewed by at most 500 ppm.
 * Timestamps: both clocks are monotonic, in ms, with arbitrary zeros; nothing wraps. The first exchange sets the offset at
 * once. After a reconnect to another clock make a new follower.
 */
export class ClockFollower implements Clock {
  readonly #local: Clock;
  #exchanges: { delay: number; offset: number }[] = [];
  #offset = 0;
  #target = 0;
  #slewedAt = 0;
  #set = false;

  constructor(local: Clock = monotonicClock) {
    this.#local = local;
  }

  get synchronised(): boolean {
    return this.#set;
  }

  /** |wanted − applied offset| plus half the shortest way: the most that `now()` can be wrong by, ms. */
  get errorMs(): number {
    const best = Math.min(...this.#exchanges.map((e) => e.delay));
    return Math.abs(this.#target - this.#offset) + (Number.isFinite(best) ? best / 2 : 0);
  }

  add({ t0, t1, t2, t3 }: Exchange): void {
    this.#slew();
    const delay = t3 - t0 - (t2 - t1);
    this.#exchanges.push({ delay, offset: (t1 - t0 + (t2 - t3)) / 2 });
    if (this.#exchanges.length > WINDOW) this.#exchanges.shift();
    const best = this.#exchanges.reduce((a, b) => (b.delay < a.delay ? b : a));
    this.#target = best.offset;
    if (!this.#set || Math.abs(this.#target - this.#offset) > STEP_MS) this.#offset = this.#target;
    this.#set = true;
  }

  now(): number {
    this.#slew();
    return this.#local.now() + this.#offset;
  }

  #slew(): void {
    const now = this.#local.now();
    const room = ((now - this.#slewedAt) * SLEW_PPM) / 1e6;
    this.#slewedAt = now;
    const missing = this.#target - this.#offset;
    this.#offset += Math.sign(missing) * Math.min(Math.abs(missing), Math.max(0, room));
  }
}
