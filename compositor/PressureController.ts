/**
 * Decides how far the program gives way under CPU pressure. In: after each frame of the grid, how late it was encoded; out: the step
 * that holds from the next frame on (contracts/degradation.ts); next: Pipeline.ts, which acts on it. No clock of its own, no I/O.
 *
 * The one figure is the lag: from a frame's time on the grid to the moment at which it is encoded. It holds everything that
 * pressure does: the wake-up that comes late, composing, encoding, and the backlog of the frames before. A backlog that is worked off is
 * no pressure, however long it was: with many people each change of the layout makes one. So what counts of a stretch of time
 * is its least lag, which is small where there was a moment without a backlog.
 *
 * Hysteresis. The lag is judged by windows. Pressure in WINDOWS_UP windows in a row is a step further; `#waitMs` of calm windows are a
 * step back. A window between the two is neither, and a single window of pressure takes two seconds of calm away, no more: on a
 * machine with other work there is always one now and then. A step back is a probe, since calm may only be what the step
 * brought: if pressure is back within RELAPSE_MS, the next probe has to wait twice as long, up to MAX_CALM_MS.
 */
import { DegradationStep, degradationRank } from '../src/contracts/degradation.ts';

/** One window, ms: 15 frames at 30 fps, so that one slow frame (a garbage collection, a card drawn) decides nothing. */
const WINDOW_MS = 500;
/** Windows of pressure in a row for a step further: 1.5 s, less than a player of low latency has buffered. */
const WINDOWS_UP = 3;
/**
 * Pressure: the least lag is more than this share of the frame period. At 1 the next frame's time has come. x264 alone takes 0.5 to 0.6 of a
 * period at 720p on a slow core, and eight tiles 0.2: that is work, not pressure.
 */
const PRESSURE_SHARE = 1.1;
/** Or: more than this share of a window's frames was not composed for want of time. */
const REPEATED_SHARE = 0.2;
/** Calm: no pressure, and the mean lag is below this share. The gap to PRESSURE_SHARE is what a step back may cost. */
const CALM_SHARE = 0.85;
/** Calm for this long is a step back, ms. */
const CALM_MS = 6_000;
/** What one window of pressure takes away of the calm before it, ms; two in a row take all. */
const SETBACK_MS = 2_000;
/** The longest wait for a probe, ms. */
const MAX_CALM_MS = 60_000;
/** Pressure within this time after a step back means that the step back was too much, ms. */
const RELAPSE_MS = 10_000;

/** A program that begins late catches up first; lag is judged from the first frame in time on, or after this, ms. */
const START_MS = 5_000;

export interface FrameLoad {
  /** From the frame's time on the grid to its being encoded, ms. */
  lagMs: number;
  /** It was not composed for want of time. */
  repeated: boolean;
}

export class PressureController {
  readonly #framePeriodMs: number;
  #step: DegradationStep = 'none';
  /** The latest time at which judging begins; null before the first frame, minus infinity once it has begun. */
  #beginsAt: number | null = null;
  #windowStart: number | null = null;
  #frames = 0;
  #repeated = 0;
  #lagMs = 0;
  #leastLagMs = Number.POSITIVE_INFINITY;
  #pressed = 0;
  /** Calm windows since the last change, together, ms. */
  #calmMs = 0;
  #waitMs = CALM_MS;
  /** When the last step back was made; infinity once it is judged. */
  #probedAt = Number.POSITIVE_INFINITY;

  constructor(framePeriodMs: number) {
    this.#framePeriodMs = framePeriodMs;
  }

  get step(): DegradationStep {
    return this.#step;
  }

  /** A frame is encoded, at `nowMs` of any clock that only goes on. The new step when it changes, else null. */
  frame(nowMs: number, { lagMs, repeated }: FrameLoad): DegradationStep | null {
    this.#beginsAt ??= nowMs + START_MS;
    if (lagMs < this.#framePeriodMs) this.#beginsAt = Number.NEGATIVE_INFINITY;
    if (nowMs < this.#beginsAt) return null;
    this.#windowStart ??= nowMs - Math.min(lagMs, WINDOW_MS);
    this.#frames += 1;
    this.#lagMs += lagMs;
    this.#leastLagMs = Math.min(this.#leastLagMs, lagMs);
    if (repeated) this.#repeated += 1;
    if (nowMs < this.#windowStart + WINDOW_MS) return null;
    const before = this.#step;
    this.#judge(nowMs);
    this.#windowStart = nowMs;
    this.#frames = 0;
    this.#repeated = 0;
    this.#lagMs = 0;
    this.#leastLagMs = Number.POSITIVE_INFINITY;
    return this.#step === before ? null : this.#step;
  }

  #judge(nowMs: number): void {
    const share = this.#lagMs / this.#frames / this.#framePeriodMs;
    const leastShare = this.#leastLagMs / this.#framePeriodMs;
    const pressed = leastShare > PRESSURE_SHARE || this.#repeated / this.#frames > REPEATED_SHARE;
    this.#pressed = pressed ? this.#pressed + 1 : 0;
    if (this.#pressed > 1) this.#calmMs = 0;
    else if (pressed) this.#calmMs = Math.max(0, this.#calmMs - SETBACK_MS);
    else if (share < CALM_SHARE) this.#calmMs += WINDOW_MS;
    if (nowMs - this.#probedAt >= RELAPSE_MS) {
      // The probe has lasted.
      this.#probedAt = Number.POSITIVE_INFINITY;
      this.#waitMs = CALM_MS;
    }
    if (this.#pressed >= WINDOWS_UP) this.#further();
    else if (this.#calmMs >= this.#waitMs) this.#back(nowMs);
  }

  #further(): void {
    this.#pressed = 0;
    if (this.#probedAt !== Number.POSITIVE_INFINITY) this.#waitMs = Math.min(MAX_CALM_MS, this.#waitMs * 2);
    // Judged once: further steps under the same pressure say nothing new about the probe.
    this.#probedAt = Number.POSITIVE_INFINITY;
    this.#step = DegradationStep.options[degradationRank(this.#step) + 1] ?? this.#step;
  }

  #back(nowMs: number): void {
    this.#calmMs = 0;
    if (this.#step === 'none') return;
    this.#probedAt = nowMs;
    this.#step = DegradationStep.options[degradationRank(this.#step) - 1] ?? 'none';
  }
}
