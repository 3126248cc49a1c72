/** How far the wall clock is behind the date of what is listed: whether the dates drift (draft section 6.2.1). */
import type { MediaPlaylist } from '../parse/playlist.ts';
import type { Report } from '../rules/Findings.ts';

/** Nothing may be listed before its end, give or take two machines' clocks, ms. */
const AHEAD_MS = 50;
/** A clock that is slewed by 500 ppm (design) moves so much in a minute; far below what could be heard or seen, ms. */
const DRIFT_MS = 100;
/** Each third must have so many parts for its least lag to mean something. */
const LEAST_PARTS = 9;

export class DateLog {
  readonly #lags: number[] = [];
  #holdBackMs = Number.POSITIVE_INFINITY;

  /** A version that has just arrived, at this wall clock, ms. */
  add(playlist: MediaPlaylist, nowMs: number, report: Report): void {
    const last = playlist.segments.at(-1);
    if (!last?.date || playlist.ended) return;
    const seconds = last.uri === null ? last.parts.reduce((sum, p) => sum + p.duration, 0) : (last.duration ?? 0);
    const lag = nowMs - (last.date.ms + seconds * 1000);
    if (lag < -AHEAD_MS) report('date-future', `${(-lag).toFixed(0)} ms before its end`, last.line);
    this.#lags.push(lag);
    this.#holdBackMs = playlist.target * 3000;
  }

  /** Lateness comes and goes, and is never less than none: of each third of the time, the least is compared. */
  judge(report: Report): { driftMs: number | null; lagMs: number | null } {
    const third = Math.floor(this.#lags.length / 3);
    const least = Math.min(...this.#lags);
    if (this.#lags.length > 0 && least > this.#holdBackMs)
      report('date-future', `${(least / 1000).toFixed(1)} s after its end at the earliest`);
    if (third < LEAST_PARTS) return { driftMs: null, lagMs: this.#lags.length > 0 ? least : null };
    const driftMs = Math.min(...this.#lags.slice(-third)) - Math.min(...this.#lags.slice(0, third));
    if (Math.abs(driftMs) > DRIFT_MS) report('date-drift', `${driftMs.toFixed(0)} ms`);
    return { driftMs, lagMs: least };
  }
}
