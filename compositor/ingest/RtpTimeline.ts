/**
 * Timestamps. From: the RTP timestamps of one stream, 32 bits, random start. To: program time in ms at which the sample or
 * picture was captured.
 * - Wrap-around: timestamps become numbers that grow beyond 32 bits; steps back (a layer switch: up to 75 ms) stay steps back.
 * - Mapping: `programMs = rtp / rate + offset`. The offset comes from, best first: the newest sender report (SfuClock.ts), but not later than
 *   6 ms after the least of the last 15 s, since what delays reports on their way to the SFU or in it makes captures later (300 ppm of
 *   drift are 4.5 ms in that time); what a predecessor carried over; before the first report, arrivals. In any case nothing is
 *   captured later than it arrived: the least (arrival − rtp) of the last 15 s is a bound, too. A packet of sound is labelled with its
 *   first sample and sent after its last, so its arrival is taken as earlier by its length; mediasoup, too, maps by arrival in the
 *   first three seconds of a sender, and forgets that length.
 *   In a stream's first second a new offset is taken at once, since nothing or little of it was shown; later one
 *   that differs by more than 30 ms is taken at once, else it is slewed at 5 ms/s.
 * - Re-anchoring on arrival, until the next sender report: a timestamp that would be captured more than 200 ms in the future,
 *   one more than 250 ms before its predecessor, or captures more than 2 s ago for 1 s on end. mediasoup's pause and resume
 *   need none: timestamps jump by the pause.
 * - Shift: what mediasoup adds at a layer switch (LayerShift.ts) is taken off of every timestamp, those of sender reports as well. A report
 *   that differs by about a shift is told to the owner first, who may know of another shift.
 * - Reconnect: a new SSRC is a new timeline.
 * Not supported: silence of more than half a wrap (6.6 h at 90 kHz).
 */
import type { SenderReport } from './rtcp.ts';
import type { SfuClock } from './SfuClock.ts';
import { WindowedMinimum } from './WindowedMinimum.ts';

const WINDOW_SECONDS = 15;
/** Within this time of a stream's first packet its mapping is not slewed, ms. */
const FIRST_MS = 1_000;
/** Reports in a row that say something later by more than STEP_MS: the sender's clock was set, and is followed. */
const LATE_REPORTS = 3;
/** What drift may do within the window, and some, ms. */
const WANDER_MS = 6;
/** A report that differs by more than this may tell of a shift, ms. */
const SHIFT_MS = 20;
/** A larger change of the offset is audible or visible as lip-sync, so it is made once and whole, ms. */
const STEP_MS = 30;
/** Slewing, ms per ms: 0.5 %, under what is heard as pitch. */
const SLEW = 0.005;
/** Capture after arrival is impossible but for errors of the estimates, ms. */
const MAX_FUTURE_MS = 200;
/** mediasoup steps timestamps back by at most 75 ms at a layer switch; more is another timeline, ms. */
const MAX_STEP_BACK_MS = 250;
/** A packet older than this is of no use to a live program, ms. */
const MAX_AGE_MS = 2_000;
/** A stall of the network ends in a burst; only what stays late this long is another timeline, ms. */
const LATE_FOR_MS = 1_000;

/** `programMs = atProgramMs + (ts − atRtp) / clockRate × 1000`; what JobSource.carry holds. */
export interface RtpToProgram {
  atRtp: number;
  atProgramMs: number;
}

export class RtpTimeline {
  readonly #msPerTick: number;
  readonly #clock: SfuClock;
  /** Of (arrival − length − rtp), program time. */
  readonly #arrivals = new WindowedMinimum(WINDOW_SECONDS);
  /** Of (NTP − rtp), the SFU's wall clock. */
  readonly #reports = new WindowedMinimum(WINDOW_SECONDS);
  /** Of the newest report. */
  #reportMs = 0;
  #lateReports = 0;
  readonly #carried: RtpToProgram | null;
  #source: 'carried' | 'arrival' | 'report' = 'arrival';
  /** Unwrapped, the shift not taken off. */
  #newest: number | null = null;
  #shift = 0;
  #newestArrivalMs = 0;
  #offsetMs = 0;
  #carriedOffsetMs = 0;
  #beganMs = 0;
  #slewedMs = 0;
  #lateSinceMs: number | null = null;
  #steps = 0;

  constructor(o: { clockRate: number; clock: SfuClock; carried?: RtpToProgram | null }) {
    this.#msPerTick = 1000 / o.clockRate;
    this.#clock = o.clock;
    this.#carried = o.carried ?? null;
  }

  /** True once the mapping rests on a sender report. */
  get synchronised(): boolean {
    return this.#source === 'report';
  }

  /** Ticks that are taken off. */
  get shift(): number {
    return this.#shift;
  }

  /** How often the mapping jumped, by more than slewing: observations made before belong to another mapping. */
  get steps(): number {
    return this.#steps;
  }

  /** The timestamp as a growing number of ticks; before `advance`, relative to the newest one. */
  unwrap(timestamp: number): number {
    return this.#newest === null ? timestamp : this.#newest + ((timestamp - this.#newest) | 0) - this.#shift;
  }

  /**
   * A packet that is newer, by sequence number, than all before came; answers its unwrapped timestamp. `lengthMs`: of the sound in it.
   */
  advance(timestamp: number, arrivalMs: number, { shift = this.#shift, lengthMs = 0 } = {}): number {
    const previous = this.#newest === null ? null : this.#newest - this.#shift;
    this.#shift = shift;
    const rtp = this.unwrap(timestamp);
    this.#newest = rtp + (previous === null ? 0 : shift);
    this.#newestArrivalMs = arrivalMs;
    const rtpMs = rtp * this.#msPerTick;
    const earliestMs = arrivalMs - lengthMs - rtpMs;
    if (previous === null) this.#begin(timestamp, rtpMs, arrivalMs, earliestMs);
    else if ((previous - rtp) * this.#msPerTick > MAX_STEP_BACK_MS) this.#anchor(earliestMs, arrivalMs);
    const age = arrivalMs - (rtpMs + this.#offsetMs);
    if (age < -MAX_FUTURE_MS) this.#anchor(earliestMs, arrivalMs);
    if (age <= MAX_AGE_MS) this.#lateSinceMs = null;
    else {
      this.#lateSinceMs ??= arrivalMs;
      if (arrivalMs - this.#lateSinceMs >= LATE_FOR_MS) this.#anchor(earliestMs, arrivalMs);
    }
    this.#arrivals.add(earliestMs, arrivalMs);
    this.#slew(arrivalMs);
    return rtp;
  }

  /**
   * By how many ticks timestamps are later than a report says, where that is about as much as a layer switch makes; else 0. Only what
   * earlier reports said can be compared.
   */
  lateTicks(report: SenderReport): number {
    if (this.#newest === null || this.#source !== 'report') return 0;
    const lateMs = this.#reports.value - this.#deltaOf(report);
    return Math.abs(lateMs) > SHIFT_MS ? Math.round(lateMs / this.#msPerTick) : 0;
  }

  /** The shift was another one, for all packets since the last switch. */
  reshift(shift: number): void {
    this.#shift = shift;
    this.#arrivals.reset();
  }

  /** The newest sender report of this stream. One that does not fit what arrives (it is older than a re-anchoring) is left out. */
  report(report: SenderReport, nowMs: number): void {
    const clockOffsetMs = this.#clock.offsetMs;
    if (this.#newest === null || clockOffsetMs === null) return;
    const deltaMs = this.#deltaOf(report);
    const newestMs = (this.#newest - this.#shift) * this.#msPerTick;
    const age = this.#newestArrivalMs - (newestMs + deltaMs + clockOffsetMs);
    if (age < -MAX_FUTURE_MS || age > MAX_AGE_MS) return;
    this.#lateReports = deltaMs - this.#reports.value > STEP_MS ? this.#lateReports + 1 : 0;
    if (this.#source !== 'report' || this.#lateReports >= LATE_REPORTS) {
      this.#reports.reset();
      this.#lateReports = 0;
    }
    this.#reports.add(deltaMs, nowMs);
    this.#reportMs = deltaMs;
    this.#source = 'report';
    this.#slew(nowMs);
  }

  /** Program time at which `rtp` (unwrapped) was captured, ms. */
  captureMs(rtp: number, nowMs: number): number {
    this.#slew(nowMs);
    return rtp * this.#msPerTick + this.#offsetMs;
  }

  /** For a successor; null before the first packet. */
  carry(): RtpToProgram | null {
    if (this.#newest === null) return null;
    const captureMs = (this.#newest - this.#shift) * this.#msPerTick + this.#offsetMs;
    return { atRtp: this.#newest >>> 0, atProgramMs: captureMs };
  }

  /** NTP minus RTP, ms. */
  #deltaOf({ ntpMs, rtpTimestamp }: SenderReport): number {
    return ntpMs - this.unwrap(rtpTimestamp) * this.#msPerTick;
  }

  #begin(timestamp: number, rtpMs: number, arrivalMs: number, earliestMs: number): void {
    this.#beganMs = arrivalMs;
    this.#slewedMs = arrivalMs;
    if (this.#carried) {
      const distance = (timestamp - this.#carried.atRtp) | 0;
      const captureMs = this.#carried.atProgramMs + distance * this.#msPerTick;
      if (arrivalMs - captureMs > -MAX_FUTURE_MS && arrivalMs - captureMs < MAX_AGE_MS) {
        this.#source = 'carried';
        this.#carriedOffsetMs = this.#offsetMs = captureMs - rtpMs;
        return;
      }
    }
    this.#source = 'arrival';
    this.#offsetMs = earliestMs;
  }

  #anchor(earliestMs: number, arrivalMs: number): void {
    this.#source = 'arrival';
    this.#arrivals.reset();
    this.#offsetMs = earliestMs;
    this.#beganMs = arrivalMs;
    this.#slewedMs = arrivalMs;
    this.#lateSinceMs = null;
    this.#steps++;
  }

  #target(): number {
    const bound = this.#arrivals.value;
    switch (this.#source) {
      case 'report': {
        const reportMs = Math.min(this.#reportMs, this.#reports.value + WANDER_MS);
        return Math.min((this.#clock.offsetMs ?? 0) + reportMs, bound + WANDER_MS);
      }
      case 'carried':
        return Math.min(this.#carriedOffsetMs, bound);
      case 'arrival':
        return bound;
    }
  }

  #slew(nowMs: number): void {
    const target = this.#target();
    if (target === Number.POSITIVE_INFINITY) return;
    const missing = target - this.#offsetMs;
    const roomMs = Math.max(0, nowMs - this.#slewedMs) * SLEW;
    this.#slewedMs = nowMs;
    if (Math.abs(missing) > STEP_MS) {
      this.#offsetMs += missing;
      this.#steps++;
    } else if (nowMs - this.#beganMs < FIRST_MS) this.#offsetMs = target;
    else this.#offsetMs += Math.sign(missing) * Math.min(Math.abs(missing), roomMs);
  }
}
