import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { Grid } from '../contracts/grid.ts';
import type { DeliveryLink, LinkReport } from './DeliveryLink.ts';
import type { DestinationBook } from './DestinationBook.ts';
import { LostFrames } from './LostFrames.ts';
import type { BroadcastMetrics } from './metrics.ts';
import type { PartWatch } from './PartWatch.ts';
import type { StatusBoard } from './StatusBoard.ts';

export interface FollowDeliveryOptions {
  destinations: DestinationBook;
  parts: PartWatch;
  board: StatusBoard;
  grid: Grid;
  metrics: BroadcastMetrics;
  clock: Clock;
  logger: Logger;
  /** So many parts in a row have not come; the newest is of this segment. */
  onLate: (count: number, segment: number) => void;
  /** The node goes, and waits for so long until the broadcast is moved, ms. */
  onDraining: (withinMs: number) => void;
}

/** What another node is told of from now on; the rest is still of interest. */
const ANOTHERS: readonly LinkReport['type'][] = ['late', 'destination', 'recording', 'stats', 'draining'];

/** Carries what delivery reports of a broadcast to its status and log, all of it until `yielded`. */
export function followDelivery(delivery: DeliveryLink, options: FollowDeliveryOptions): { yielded(): void } {
  const frames = new LostFrames();
  let yielded = false;
  delivery.on('report', (report) => {
    if (yielded && ANOTHERS.includes(report.type)) return;
    if (report.type === 'part') options.metrics.lostFrames.inc(frames.part(options.grid, report.segment, report.part));
    onReport(report, options);
  });
  // What could not be delivered meanwhile is no compositor's fault.
  delivery.on('lost', () => frames.forget());
  delivery.on('back', () => options.parts.begin(options.clock.now()));
  return {
    yielded: () => {
      yielded = true;
    },
  };
}

function onReport(
  report: LinkReport,
  { destinations, parts, board, logger, onLate, onDraining }: FollowDeliveryOptions,
): void {
  switch (report.type) {
    case 'part':
      // One that a standby made says nothing of the compositor at work.
      if (!report.standby) parts.part();
      return;
    case 'late':
      onLate(report.count, report.segment);
      return;
    case 'gap':
      logger.warn({ segment: report.segment }, 'segment lost');
      return;
    case 'destination':
      destinations.report(report.status);
      return;
    case 'recording':
      board.set({ recording: report.status });
      return;
    case 'draining':
      onDraining(report.withinMs);
      return;
    case 'stats':
      board.meter.delivered(report);
      board.figures({ viewers: report.viewers });
      return;
    default:
  }
}
