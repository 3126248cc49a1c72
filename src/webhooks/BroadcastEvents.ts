/** What a broadcast's changing status tells as events. In: each status, and each move of a destination (Broadcasts' `onStatus`, `onDestination`). Out: events (Webhooks.ts). */
import { LRUCache } from 'lru-cache';
import type { DestinationEvent } from '../broadcast/DestinationBook.ts';
import type { BroadcastState, BroadcastStatus } from '../contracts/broadcast.ts';
import type { DestinationState } from '../contracts/deliveryControl.ts';
import type { RecordingEvent } from '../contracts/recording.ts';
import type { WebhookEventType } from '../contracts/webhooks.ts';
import type { Webhooks } from './Webhooks.ts';

const OF_STATE = {
  pending: 'broadcast.pending',
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

const OF_RECORDING = {
  started: 'recording.started',
  incomplete: 'recording.incomplete',
  finished: 'recording.finished',
  failed: 'recording.failed',
} as const satisfies Record<RecordingEvent['type'], WebhookEventType>;

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
    const moved = before?.state !== status.state;
    const type = OF_STATE[status.state];
    if (moved && type) this.#webhooks.emit(type, room, { broadcast: status });
    if ((before?.degradation ?? 'none') !== status.degradation)
      this.#webhooks.emit('broadcast.degraded', room, { broadcast: status });
    const known = new Set(before?.destinations.map(({ id }) => id));
    for (const destination of status.destinations) {
      if (known.has(destination.id) || destination.state !== 'connecting') continue;
      this.#webhooks.emit('destination.connecting', room, { broadcast: status.id, destination });
    }
  }

  /** One that has come into another state than its first. */
  destination({ room, broadcast, status }: DestinationEvent): void {
    this.#webhooks.emit(OF_DESTINATION[status.state], room, { broadcast, destination: status });
  }

  /** What the delivery node has told (http/RecordingFeed.ts). */
  recording({ type, recording }: RecordingEvent): void {
    this.#webhooks.emit(OF_RECORDING[type], recording.room, { broadcast: recording.broadcast, recording });
  }
}
