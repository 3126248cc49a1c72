/**
 * Timestamps. From: the NTP time in sender reports. mediasoup writes them itself, in its worker's wall clock for all
 * streams, so that one offset serves the whole ingest. To: program time in ms. The offset is the least (arrival − NTP) of the
 * last 15 s, since a report can only come late; it contains the shortest way from the SFU to here, under 1 ms within a
 * cluster. Nothing wraps before 2036, the end of NTP's era. A step of the SFU's wall clock is taken over at the first report
 * that is more than 1 s early, or after 3 s of reports that are more than 1 s late. After a reconnect to another SFU call `reset()`. Not supported: an SFU whose streams report
 * different clocks.
 */
import { WindowedMinimum } from './WindowedMinimum.ts';

const WINDOW_SECONDS = 15;
/** A report that is this far from the offset, and not late by a stall, tells that the SFU's wall clock was set, ms. */
const STEP_MS = 1_000;
/** A stall of the network is over after this, ms. */
const STALL_MS = 3_000;

export class SfuClock {
  readonly #window = new WindowedMinimum(WINDOW_SECONDS);
  #lateSinceMs: number | null = null;

  /** Program time minus the SFU's wall clock, ms; null before the first report. */
  get offsetMs(): number | null {
    return Number.isFinite(this.#window.value) ? this.#window.value : null;
  }

  add(ntpMs: number, arrivalMs: number): void {
    const sample = arrivalMs - ntpMs;
    const late = sample - this.#window.value > STEP_MS;
    if (!late) this.#lateSinceMs = null;
    else {
      this.#lateSinceMs ??= arrivalMs;
      if (arrivalMs - this.#lateSinceMs < STALL_MS) return;
    }
    if (late || this.#window.value - sample > STEP_MS) this.reset();
    this.#window.add(sample, arrivalMs);
  }

  reset(): void {
    this.#window.reset();
    this.#lateSinceMs = null;
  }
}
