/**
 * What delivery uses for broadcasts. In: parts that became visible, what destinations and viewers were sent. Out: use (usage/UsageMeter.ts).
 *
 * Output is what compositors have made and viewers could see, drawn on the program's time: gaps and slate are none, and a part that is
 * seen again after a restart lies on the same time. Bytes are counted by the process: of a destination what the kernel has taken for it, of
 * viewers the bodies of good answers, on whichever node they were sent; what nodes send each other is not theirs.
 */
import { newId } from '../common/ids.ts';
import type { DestinationStatus } from '../contracts/deliveryControl.ts';
import { type Grid, partStartMs } from '../contracts/grid.ts';
import type { Rendition } from '../contracts/job.ts';
import type { UsageBroadcast, UsageReading } from '../contracts/usage.ts';

type UsageOf = Pick<UsageReading, 'broadcast' | 'kind' | 'subject' | 'source'>;

/** Who is told. */
export interface UsageSink {
  broadcast(of: UsageBroadcast): void;
  destination(id: string, target: string): void;
  cover(of: UsageOf, fromMs: number, toMs: number): void;
  count(of: UsageOf, total: number): void;
  watch(look: () => void): () => void;
}

/** A DeliveryBroadcast, as far as it matters here. */
interface Metered {
  readonly id: string;
  readonly room: string;
  readonly tenant: string;
  readonly epoch: number;
  readonly grid: Grid;
  readonly renditions: readonly Rendition[];
  readonly destinations: readonly { id: string; status: DestinationStatus }[];
  readonly store: { on(event: 'visible', listener: (segment: number, part: number, slate: boolean) => void): unknown };
  on(event: 'report', listener: (report: { type: string; status?: unknown }) => void): unknown;
  once(event: 'ended', listener: () => void): unknown;
}

/** Meters a broadcast until its end. */
export function meterDelivery(broadcast: Metered, sink: UsageSink): void {
  const { id, room, tenant, grid, renditions } = broadcast;
  // This process's, of this broadcast.
  const source = newId('u');
  const epoch = Math.round(broadcast.epoch);
  const countDestination = (of: { id: string; status: DestinationStatus }): void => {
    sink.destination(of.id, of.status.target);
    // A destination that was taken away and added again counts from 0 again.
    sink.count({ broadcast: id, kind: 'egress', subject: of.id, source: sourceOf(of) }, of.status.bytes);
  };
  const look = (): void => {
    sink.broadcast({ id, room, tenant, epoch });
    for (const destination of broadcast.destinations) countDestination(destination);
  };
  broadcast.store.on('visible', (segment, part, slate) => {
    if (slate) return;
    const from = partStartMs(grid, segment, part);
    const to = partStartMs(grid, segment, part + 1);
    for (const { id: subject } of renditions) sink.cover({ broadcast: id, kind: 'output', subject, source }, from, to);
  });
  // One that ends is reported for the last time while it is still there.
  broadcast.on('report', ({ type }) => {
    if (type === 'destination') look();
  });
  const done = sink.watch(look);
  broadcast.once('ended', done);
}

const sources = new WeakMap<object, string>();

/** Each connection's owner has a name of its own. */
function sourceOf(owner: object): string {
  let source = sources.get(owner);
  if (!source) {
    source = newId('u');
    sources.set(owner, source);
  }
  return source;
}
