import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { CompositorFigures } from './CompositorFigures.ts';
import type { CompositorRun } from './CompositorRun.ts';
import { meterRun, type RunUsage } from './meterRun.ts';
import type { BroadcastMetrics } from './metrics.ts';
import type { PartWatch } from './PartWatch.ts';
import type { StatusBoard } from './StatusBoard.ts';

export interface FollowOptions {
  /** The run is the broadcast's present one: what an older one still says is of no interest. */
  isPresent: () => boolean;
  metrics: BroadcastMetrics;
  parts: PartWatch;
  board: StatusBoard;
  figures: CompositorFigures;
  usage: RunUsage | undefined;
  clock: Clock;
  logger: Logger;
}

/** Carries what a compositor says of its work to status, metrics and log. */
export function followRun(run: CompositorRun, options: FollowOptions): void {
  const { isPresent, metrics, parts, board, figures, usage, clock, logger } = options;
  if (usage) meterRun(run, usage);
  run.on('keyframe', () => metrics.keyframes.inc());
  run.on('stats', (stats) => {
    if (!isPresent()) return;
    parts.progress(stats.frame);
    board.meter.composed(stats, clock.now());
    board.figures(figures.add(stats));
  });
  run.on('degraded', (degradation, fromFrame) => {
    if (!isPresent()) return;
    figures.degraded(degradation);
    logger.info({ degradation, fromFrame }, 'program gives way to CPU pressure');
    board.set({ degradation });
  });
}
