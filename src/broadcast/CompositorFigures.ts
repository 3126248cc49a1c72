import type { CompositorStats } from '../contracts/control.ts';
import type { DegradationStep } from '../contracts/degradation.ts';
import type { BroadcastMetrics } from './metrics.ts';

/** Turns the statistics of one compositor after another into the broadcast's figures and the process's metrics. */
export class CompositorFigures {
  readonly #metrics: BroadcastMetrics;
  #last: CompositorStats | undefined;
  #pastLateFrames = 0;
  #degradation: DegradationStep = 'none';

  constructor(metrics: BroadcastMetrics) {
    this.#metrics = metrics;
  }

  /** `lateFrames` is the broadcast's, over all its compositors. */
  add(stats: CompositorStats): { fps: number; bitrate: number; lateFrames: number } {
    const metrics = this.#metrics;
    const grown = (name: 'frames' | 'lateFrames' | 'repeatedFrames') =>
      Math.max(0, stats[name] - (this.#last?.[name] ?? 0));
    metrics.fps.observe(stats.fps);
    metrics.frames.inc(grown('frames'));
    metrics.lateFrames.inc(grown('lateFrames'));
    metrics.repeatedFrames.inc(grown('repeatedFrames'));
    metrics.composeSeconds.observe(stats.composeMsP95 / 1000);
    metrics.encodeSeconds.observe(stats.encodeMsP95 / 1000);
    metrics.partLatencySeconds.observe(stats.partLatencyMsP95 / 1000);
    metrics.clockErrorSeconds.observe(stats.clockErrorMs / 1000);
    this.#last = stats;
    return { fps: stats.fps, bitrate: stats.bitrate, lateFrames: this.#pastLateFrames + stats.lateFrames };
  }

  /** The program gives way to CPU pressure so far. */
  degraded(step: DegradationStep): void {
    this.#metrics.degradations.inc({ step });
    this.#at(step);
  }

  /** The compositor is gone; the next one counts from 0. */
  gone(): void {
    this.#at('none');
    this.#pastLateFrames += this.#last?.lateFrames ?? 0;
    this.#last = undefined;
  }

  #at(step: DegradationStep): void {
    if (this.#degradation !== 'none') this.#metrics.degradation.dec({ step: this.#degradation });
    if (step !== 'none') this.#metrics.degradation.inc({ step });
    this.#degradation = step;
  }
}
