/** What a broadcast's changing status tells as events. In: each status, and each move of a destination (Broadcasts' `onStatus`, `onDestination`). Out: events (Webhooks.ts). */
import { LRUCache } from 'lru-cache';
import type { DestinationEvent } from '../broadcast/DestinationBook.ts';
import type { BroadcastState, BroadcastStatus } from '../contracts/broadcast.ts';
import type { DestinationState } from '../contracts/deliveryControl.ts';
import type { RecordingAbout, WebhookEventType } from '../contracts/webhooks.ts';
import type { RecordingWatch } from './RecordingWatch.ts';
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

type Told = BroadcastStatus & { recording?: RecordingAbout | null };

export class BroadcastEvents {
  readonly #webhooks: Pick<Webhooks, 'emit'>;
  readonly #recordings: Pick<RecordingWatch, 'noticed'> | undefined;
  readonly #last = new LRUCache<string, Told>({ max: REMEMBERED });

  constructor(webhooks: Pick<Webhooks, 'emit'>, recordings?: Pick<RecordingWatch, 'noticed'>) {
    this.#webhooks = webhooks;
    this.#recordings = recordings;
  }

  status(room: string, status: Told): void {
    const before = this.#last.get(status.id);
    this.#last.set(status.id, status);
    const moved = before?.state !== status.state;
    const type = OF_STATE[status.state];
    const { recording } = status;
    const over = status.state === 'ended' || status.state === 'failed';
    if (moved && type) this.#webhooks.emit(type, room, { broadcast: status });
    if ((before?.degradation ?? 'none') !== status.degradation)
      this.#webhooks.emit('broadcast.degraded', room, { broadcast: status });
    if (
      recording &&
      (moved || before?.recording?.state !== recording.state || before.recording.complete !== recording.complete)
    )
      this.#recordings?.noticed(room, status.id, recording.id, over);
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
}
