/** What a broadcast's changing status tells as events. In: each status (Broadcasts' `onStatus`). Out: events (Webhooks.ts). */
import { LRUCache } from 'lru-cache';
import type { BroadcastState, BroadcastStatus } from '../contracts/broadcast.ts';
import type { DestinationState, DestinationStatus } from '../contracts/deliveryControl.ts';
import type { WebhookEventType } from '../contracts/webhooks.ts';
import type { Webhooks } from './Webhooks.ts';

const OF_STATE = {
  starting: 'broadcast.starting',
  live: 'broadcast.live',
  recovering: 'broadcast.recovering',
  ending: undefined,
  ended: 'broadcast.ended',
  failed: 'broadcast.failed',
} as const satisfies Record<BroadcastState, WebhookEventType | undefined>;

const OF_DESTINATION = {
  connecting: 'destination.connecting',
  live: 'destination.live',
  reconnecting: 'destination.reconnecting',
  failed: 'destination.failed',
  stopped: 'destination.stopped',
} as const satisfies Record<DestinationState, WebhookEventType>;

/** The newest status of so many broadcasts is remembered: what is told of one after its end is compared with it. */
const REMEMBERED = 1_000;

export class BroadcastEvents {
  readonly #webhooks: Pick<Webhooks, 'emit'>;
  readonly #last = new LRUCache<string, BroadcastStatus>({ max: REMEMBERED });

  constructor(webhooks: Pick<Webhooks, 'emit'>) {
    this.#webhooks = webhooks;
  }

  status(room: string, status: BroadcastStatus): void {
    const before = this.#last.get(status.id);
    this.#last.set(status.id, status);
    const over = status.state === 'ended' || status.state === 'failed';
    const moved = before?.state !== status.state;
    const type = OF_STATE[status.state];
    // A start comes before what follows from it, an end after it.
    if (moved && type && !over) this.#webhooks.emit(type, room, { broadcast: status });
    if ((before?.degradation ?? 'none') !== status.degradation)
      this.#webhooks.emit('broadcast.degraded', room, { broadcast: status });
    for (const destination of destinationsOf(before, status, over))
      this.#webhooks.emit(OF_DESTINATION[destination.state], room, { broadcast: status.id, destination });
    if (moved && type && over) this.#webhooks.emit(type, room, { broadcast: status });
  }
}

/** Those whose state has changed. One that was removed, or was not told to have stopped before the broadcast is over, has stopped now. */
function destinationsOf(before: BroadcastStatus | undefined, now: BroadcastStatus, over: boolean): DestinationStatus[] {
  const known = new Map(before?.destinations.map((d) => [d.id, d]));
  const present = now.destinations.map((d) => (over && d.state !== 'failed' ? { ...d, state: 'stopped' as const } : d));
  const changed = present.filter((d) => known.get(d.id)?.state !== d.state);
  for (const { id } of present) known.delete(id);
  const gone = [...known.values()].filter((d) => d.state !== 'stopped');
  return [...changed, ...gone.map((d) => ({ ...d, state: 'stopped' as const }))];
}
