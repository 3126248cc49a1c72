/**
 * Tells users' own servers what happens. In: `emit`, from rooms and broadcasts. Out: for each event a row in the store, and for each
 * endpoint that wants it a place in its queue (next: EndpointQueue.ts). An event is written before anything else is done with it,
 * so it outlives the process and is sent at least once, always with the same id, number and bytes.
 */
import { LRUCache } from 'lru-cache';
import { newId } from '../common/ids.ts';
import type { Logger } from '../common/logger.ts';
import {
  filterLets,
  WEBHOOK_EVENTS,
  type WebhookData,
  type WebhookEvent,
  type WebhookEventType,
} from '../contracts/webhooks.ts';
import type { EndpointQueue } from './EndpointQueue.ts';
import type { Endpoints } from './Endpoints.ts';
import type { WebhookMetrics } from './metrics.ts';
import type { NewEvent, WebhookStore } from './WebhookStore.ts';

/** Rooms whose newest number is remembered; others are asked for. */
const REMEMBERED_ROOMS = 10_000;
const PURGE_EACH_MS = 3_600_000;
/** At the end of the process the last events (`room.closed`) have this long to be accepted; else they are sent at the next start, ms. */
const LAST_WORDS_MS = 2_000;

export interface WebhooksOptions {
  store: WebhookStore;
  endpoints: Endpoints;
  logger: Logger;
  metrics: WebhookMetrics;
}

interface Happened {
  type: WebhookEventType;
  room: string;
  createdAt: number;
  data: unknown;
}

export class Webhooks {
  readonly endpoints: Endpoints;
  readonly #store: WebhookStore;
  readonly #logger: Logger;
  readonly #metrics: WebhookMetrics;
  readonly #sequences = new LRUCache<string, number>({ max: REMEMBERED_ROOMS });
  readonly #happened: Happened[] = [];
  readonly #purging: NodeJS.Timeout;
  #state: 'open' | 'closed' = 'open';
  #closing: Promise<void> | undefined;

  private constructor({ store, endpoints, logger, metrics }: WebhooksOptions) {
    this.endpoints = endpoints;
    this.#store = store;
    this.#logger = logger;
    this.#metrics = metrics;
    this.#purging = setInterval(() => this.#purge(), PURGE_EACH_MS).unref();
  }

  /** Goes on with what earlier processes left; rooms that they had open are told to be closed. */
  static async create(options: WebhooksOptions): Promise<Webhooks> {
    const webhooks = new Webhooks(options);
    await options.store.purge(Date.now());
    for (const { room, openedAt } of await options.store.openRooms())
      webhooks.emit('room.closed', room, { openedAt, reason: 'server-lost' });
    await webhooks.written();
    return webhooks;
  }

  /** Something happened in a room. Never throws. It is written in this turn of the event loop. */
  emit<T extends WebhookEventType>(type: T, room: string, data: WebhookData<T>): void {
    if (this.#state === 'closed' || this.endpoints.size === 0) return;
    this.#happened.push({ type, room, createdAt: Date.now(), data });
    // Race: what is emitted while others are being written must come after them, and meet the endpoints that there are then.
    if (this.#happened.length === 1)
      this.endpoints
        .serially(() => this.#write())
        .catch((error: unknown) => {
          const events = this.#happened.splice(0).length;
          this.#logger.error({ err: error, events }, 'webhook events were lost');
        });
  }

  /** Of every room in `#happened`. What comes while we ask may be of yet another room. */
  async #knownSequences(): Promise<Map<string, number>> {
    const known = new Map<string, number>();
    for (;;) {
      const rooms = [...new Set(this.#happened.map(({ room }) => room))].filter((room) => !known.has(room));
      if (rooms.length === 0) return known;
      const asked = rooms.filter((room) => !this.#sequences.has(room));
      for (const [room, sequence] of asked.length > 0 ? await this.#store.sequences(asked) : [])
        known.set(room, sequence);
      for (const room of rooms) known.set(room, known.get(room) ?? this.#sequences.get(room) ?? 0);
    }
  }

  /** Resolves when all that was emitted before is written, or could not be. */
  async written(): Promise<void> {
    await this.endpoints.serially(async () => {});
  }

  async #write(): Promise<void> {
    const known = await this.#knownSequences();
    const queues = this.endpoints.open();
    const events = this.#happened.splice(0).flatMap((happened) => this.#eventOf(happened, known, queues));
    const positions = await this.#append(events);
    for (const [i, { id: event, room, createdAt: at, body, type, endpoints }] of events.entries()) {
      if (endpoints.length > 0) this.#metrics.events.inc({ type });
      for (const [j, { id, queued }] of endpoints.entries()) {
        if (!queued) this.#metrics.givenUp.inc({ reason: 'full' });
        const position = positions?.[i]?.[j];
        const place = { event, room, attempts: 0, queuedAt: at, nextAt: at, position };
        if (queued) queues.get(id)?.queue.push(positions ? place : { ...place, body });
      }
    }
  }

  /** Empty when it is not what the contract says: then nobody is told rather than told nonsense. */
  #eventOf(
    { type, room, createdAt, data }: Happened,
    sequences: Map<string, number>,
    queues: ReadonlyMap<string, { events: readonly string[]; queue: EndpointQueue }>,
  ): NewEvent[] {
    const parsed = WEBHOOK_EVENTS[type].data.safeParse(data);
    if (!parsed.success) {
      this.#logger.error({ err: parsed.error, type, room }, 'a webhook event is not what the contract says');
      return [];
    }
    const sequence = (sequences.get(room) ?? 0) + 1;
    sequences.set(room, sequence);
    this.#sequences.set(room, sequence);
    const event: WebhookEvent = { id: newId('w'), type, createdAt, room, sequence, data: parsed.data };
    const endpoints = [...queues]
      .filter(([, { events }]) => filterLets(events, type))
      .map(([id, { queue }]) => ({ id, queued: !queue.full }));
    return [{ ...event, body: JSON.stringify(event), endpoints }];
  }

  /** undefined: it could not be written (disk full). The events are sent all the same, but only by this process. */
  async #append(events: readonly NewEvent[]): Promise<number[][] | undefined> {
    try {
      return await this.#store.append(events);
    } catch (error) {
      this.#metrics.unsaved.inc(events.length);
      this.#logger.error({ err: error, events: events.length }, 'webhook events could not be written');
      return undefined;
    }
  }

  #purge(): void {
    this.#store
      .purge(Date.now())
      .catch((error: unknown) => this.#logger.warn({ err: error }, 'old webhook events could not be removed'));
  }

  /** Nothing is emitted any more; the last events have a moment to be accepted. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    clearInterval(this.#purging);
    await this.endpoints.close(LAST_WORDS_MS);
  }
}
