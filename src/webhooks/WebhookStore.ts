/** What the webhooks keep. SqliteWebhookStore.ts is one; asynchronous, since PostgreSQL can be another. */
import type { DeliveryQuery, WebhookDelivery, WebhookEventType } from '../contracts/webhooks.ts';

/** Where to. Secrets are sealed. */
export interface StoredEndpoint {
  id: string;
  url: string;
  events: string[];
  enabled: boolean;
  description: string;
  source: 'settings' | 'api';
  createdAt: number;
  sealedSecret: string;
  /** The secret before, while both sign. */
  sealedOldSecret: string | null;
  /** ms since 1970. */
  oldSecretUntil: number | null;
}

/** An event as it is written, with the endpoints that it is for. */
export interface NewEvent {
  id: string;
  room: string;
  sequence: number;
  type: WebhookEventType;
  createdAt: number;
  /** The bytes that are sent and signed. */
  body: string;
  /** `false`: the queue of the endpoint is full; the event is dead at once. */
  endpoints: { id: string; queued: boolean }[];
}

/** An event that an endpoint has not accepted yet. */
export interface Waiting {
  /** Its place in the queue; smaller is earlier. undefined: it could not be written, and is in memory only. */
  position: number | undefined;
  event: string;
  room: string;
  attempts: number;
  /** When it was put into the queue: what the time until it is given up counts from, ms since 1970. */
  queuedAt: number;
  /** ms since 1970. */
  nextAt: number;
}

export interface Settled {
  position: number;
  state: 'waiting' | 'delivered' | 'dead';
  attempts: number;
  /** When this came about, ms since 1970. */
  at: number;
  nextAt: number;
  status: number | null;
  reason: string;
}

/** A room that was open when the process ended. */
export interface OpenRoom {
  room: string;
  openedAt: number;
}

export interface WebhookStore {
  endpoints(): Promise<StoredEndpoint[]>;
  putEndpoint(endpoint: StoredEndpoint): Promise<void>;
  /** With all that is in its queue. */
  deleteEndpoint(id: string): Promise<void>;

  /** The newest number of each of these rooms; 0 for one that has had no event. */
  sequences(rooms: readonly string[]): Promise<Map<string, number>>;
  /** All or nothing, durable when it resolves. The positions are in the order of events and of their endpoints. */
  append(events: readonly NewEvent[]): Promise<number[][]>;
  /** The rooms whose newest `room.opened` had no `room.closed`. */
  openRooms(): Promise<OpenRoom[]>;

  /** In the order of the queue. */
  waiting(endpoint: string): Promise<Waiting[]>;
  /** undefined: it is not there any more. */
  body(event: string): Promise<string | undefined>;
  /** A loss of this only means that the event is sent once more. */
  settle(settled: Settled): Promise<void>;

  deliveries(endpoint: string, query: DeliveryQuery): Promise<{ deliveries: WebhookDelivery[]; before: number | null }>;
  /**
   * Puts what is dead, and for a single event what was delivered too, at the end of the queue, at most `limit` of it; what was put there,
   * in its order.
   */
  requeue(endpoint: string, what: { event?: string; limit: number }, now: number): Promise<Waiting[]>;
  /** Forgets what nobody asks for any more. */
  purge(now: number): Promise<void>;
}
