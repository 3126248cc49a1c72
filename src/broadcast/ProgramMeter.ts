/**
 * What the last seconds of a program were like (docs/health.md). In: what its compositors and delivery say each second. Out: ProgramFigures, for
 * whoever is told of its status.
 */
import type { CompositorStats } from '../contracts/control.ts';
import type { DeliveryReport } from '../contracts/deliveryControl.ts';
import type { ProgramFigures } from '../contracts/health.ts';

/** Rates are over this long: one late frame is a third of a percent, ms. */
const WINDOW_MS = 10_000;

/** Before there are any, and after the last. */
export const NO_FIGURES: ProgramFigures = {
  ...{ latePercent: 0, cpuPercent: null, clockErrorMs: 0, deliveryMs: 0, latencyMs: null, stalledPercent: null },
};

interface Count {
  atMs: number;
  frames: number;
  late: number;
  cpuSeconds: number;
}

export class ProgramMeter {
  #counts: Count[] = [];
  #figures = NO_FIGURES;

  get figures(): ProgramFigures {
    return this.#figures;
  }

  /** `nowMs`: of a clock that only goes on. */
  composed(stats: CompositorStats, nowMs: number): void {
    const newest = this.#counts.at(-1);
    // Another compositor counts from 0.
    if (newest && stats.frames < newest.frames) this.#counts = [];
    const count = { atMs: nowMs, frames: stats.frames, late: stats.lateFrames, cpuSeconds: stats.cpuSeconds };
    this.#counts.push(count);
    while ((this.#counts[1]?.atMs ?? nowMs) <= nowMs - WINDOW_MS) this.#counts.shift();
    const first = this.#counts[0] ?? count;
    const frames = count.frames - first.frames;
    const spanMs = nowMs - first.atMs;
    this.#figures = {
      ...this.#figures,
      latePercent: frames > 0 ? Math.min(100, ((count.late - first.late) / frames) * 100) : 0,
      cpuPercent: spanMs > 0 ? Math.round(((count.cpuSeconds - first.cpuSeconds) / spanMs) * 100_000) : null,
      clockErrorMs: stats.clockErrorMs,
      deliveryMs: stats.partLatencyMsP95,
    };
  }

  delivered({ latencyMs, stalledPercent }: Extract<DeliveryReport, { type: 'stats' }>): void {
    this.#figures = { ...this.#figures, latencyMs, stalledPercent };
  }
}
