/**
 * The webhooks' outbox in SQLite. An event is one row, with the body as it is sent; each endpoint that is to get it has a row of its own
 * in `webhook_deliveries`, whose rowid is its place in the queue. What is settled is kept for a while, so that the API can list and resend it.
 */
import { z } from 'zod';
import { type DeliveryQuery, DeliveryState, type WebhookDelivery, WebhookEventType } from '../contracts/webhooks.ts';
import type { Database, Row } from '../durable/Database.ts';
import type { NewEvent, OpenRoom, Settled, StoredEndpoint, Waiting, WebhookStore } from './WebhookStore.ts';

/** How long what was delivered can be listed and sent again, ms. */
export const KEEP_DELIVERED_MS = 86_400_000;
/** Likewise for what was given up. */
export const KEEP_DEAD_MS = 14 * 86_400_000;
/** Of what was given up, so many are kept an endpoint, the newest. */
export const MAX_DEAD = 10_000;
/** The number of a room without events for this long begins anew, ms. */
const KEEP_ROOM_MS = 90 * 86_400_000;

const MIGRATIONS = [
  `CREATE TABLE webhook_endpoints (
    id TEXT PRIMARY KEY, url TEXT NOT NULL, events TEXT NOT NULL, enabled INTEGER NOT NULL, description TEXT NOT NULL,
    source TEXT NOT NULL, created_at INTEGER NOT NULL, secret TEXT NOT NULL, old_secret TEXT, old_secret_until INTEGER
  ) STRICT;
  CREATE TABLE webhook_rooms (
    room TEXT PRIMARY KEY, sequence INTEGER NOT NULL, opened_at INTEGER, used_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE webhook_events (
    id TEXT PRIMARY KEY, room TEXT NOT NULL, sequence INTEGER NOT NULL, type TEXT NOT NULL, created_at INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE webhook_deliveries (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL REFERENCES webhook_events (id) ON DELETE CASCADE,
    endpoint TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, queued_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
    settled_at INTEGER, status INTEGER, reason TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE INDEX webhook_deliveries_of_endpoint ON webhook_deliveries (endpoint, state, position);
  CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event)`,
];

const StoredEndpointRow = z
  .object({
    id: z.string(),
    url: z.string(),
    events: z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text))),
    enabled: z.int().transform(Boolean),
    description: z.string(),
    source: z.enum(['settings', 'api']),
    created_at: z.int(),
    secret: z.string(),
    old_secret: z.string().nullable(),
    old_secret_until: z.int().nullable(),
  })
  .transform(
    ({ created_at, secret, old_secret, old_secret_until, ...rest }): StoredEndpoint => ({
      ...rest,
      createdAt: created_at,
      sealedSecret: secret,
      sealedOldSecret: old_secret,
      oldSecretUntil: old_secret_until,
    }),
  );

const WaitingRow = z
  .object({
    position: z.int(),
    event: z.string(),
    room: z.string(),
    attempts: z.int(),
    queued_at: z.int(),
    next_at: z.int(),
  })
  .transform(({ queued_at, next_at, ...rest }): Waiting => ({ ...rest, queuedAt: queued_at, nextAt: next_at }));

const DeliveryRow = z
  .object({
    event: z.string(),
    type: WebhookEventType,
    room: z.string(),
    sequence: z.int(),
    created_at: z.int(),
    state: DeliveryState,
    attempts: z.int(),
    next_at: z.int(),
    settled_at: z.int().nullable(),
    status: z.int().nullable(),
    reason: z.string(),
  })
  .transform(
    ({ created_at, next_at, settled_at, ...rest }): WebhookDelivery => ({
      ...rest,
      createdAt: created_at,
      nextAttemptAt: rest.state === 'waiting' ? next_at : null,
      settledAt: settled_at,
    }),
  );

const WAITING = 'd.position, d.event, e.room, d.attempts, d.queued_at, d.next_at';

export class SqliteWebhookStore implements WebhookStore {
  readonly #database: Database;
  readonly #settled: Settled[] = [];
  #settling: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
    database.migrate('webhooks', MIGRATIONS);
  }

  async endpoints(): Promise<StoredEndpoint[]> {
    return this.#database
      .all('SELECT * FROM webhook_endpoints ORDER BY created_at, id')
      .map((row) => StoredEndpointRow.parse(row));
  }

  async putEndpoint(e: StoredEndpoint): Promise<void> {
    this.#database.run(
      `INSERT INTO webhook_endpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET url = excluded.url, events = excluded.events, enabled = excluded.enabled,
         description = excluded.description, secret = excluded.secret, old_secret = excluded.old_secret,
         old_secret_until = excluded.old_secret_until`,
      ...[e.id, e.url, JSON.stringify(e.events), Number(e.enabled), e.description],
      ...[e.source, e.createdAt, e.sealedSecret, e.sealedOldSecret, e.oldSecretUntil],
    );
  }

  async deleteEndpoint(id: string): Promise<void> {
    this.#database.run('DELETE FROM webhook_endpoints WHERE id = ?', id);
  }

  async sequences(rooms: readonly string[]): Promise<Map<string, number>> {
    return new Map(
      rooms.map((room) => {
        const row = this.#database.get('SELECT sequence FROM webhook_rooms WHERE room = ?', room);
        return [room, Number(row?.sequence ?? 0)];
      }),
    );
  }

  async append(events: readonly NewEvent[]): Promise<number[][]> {
    return this.#database.transaction(() => events.map((event) => this.#append(event)));
  }

  #append({ id, room, sequence, type, createdAt, body, endpoints }: NewEvent): number[] {
    this.#database.run(
      `INSERT INTO webhook_rooms (room, sequence, used_at) VALUES (?, ?, ?)
       ON CONFLICT (room) DO UPDATE SET sequence = excluded.sequence, used_at = excluded.used_at`,
      ...[room, sequence, createdAt],
    );
    if (type === 'room.opened' || type === 'room.closed') {
      const openedAt = type === 'room.opened' ? createdAt : null;
      this.#database.run('UPDATE webhook_rooms SET opened_at = ? WHERE room = ?', openedAt, room);
    }
    if (endpoints.length === 0) return [];
    const row = [id, room, sequence, type, createdAt, body];
    this.#database.run('INSERT INTO webhook_events VALUES (?, ?, ?, ?, ?, ?)', ...row);
    return endpoints.map((endpoint) => {
      const full = endpoint.queued ? null : createdAt;
      const { lastId } = this.#database.run(
        `INSERT INTO webhook_deliveries (event, endpoint, state, queued_at, next_at, settled_at, reason) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        ...[id, endpoint.id, endpoint.queued ? 'waiting' : 'dead', createdAt, createdAt],
        ...[full, endpoint.queued ? '' : 'The queue was full.'],
      );
      return lastId;
    });
  }

  async openRooms(): Promise<OpenRoom[]> {
    return this.#database
      .all('SELECT room, opened_at FROM webhook_rooms WHERE opened_at IS NOT NULL')
      .map(({ room, opened_at }) => ({ room: String(room), openedAt: Number(opened_at) }));
  }

  async waiting(endpoint: string): Promise<Waiting[]> {
    return this.#waiting("d.endpoint = ? AND d.state = 'waiting'", endpoint);
  }

  #waiting(where: string, ...parameters: (string | number)[]): Waiting[] {
    return this.#database
      .all(
        `SELECT ${WAITING} FROM webhook_deliveries d JOIN webhook_events e ON e.id = d.event WHERE ${where} ORDER BY d.position`,
        ...parameters,
      )
      .map((row) => WaitingRow.parse(row));
  }

  async body(event: string): Promise<string | undefined> {
    const row = this.#database.get('SELECT body FROM webhook_events WHERE id = ?', event);
    return row && String(row.body);
  }

  /** Those of one turn of the event loop are one transaction: one flush of the disk. */
  settle(settled: Settled): Promise<void> {
    this.#settled.push(settled);
    this.#settling ??= new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#settling = undefined;
        try {
          this.#writeSettled(this.#settled.splice(0));
          resolve();
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    return this.#settling;
  }

  #writeSettled(all: readonly Settled[]): void {
    this.#database.transaction(() => {
      for (const { position, state, attempts, at, nextAt, status, reason } of all) {
        this.#database.run(
          'UPDATE webhook_deliveries SET state = ?, attempts = ?, next_at = ?, settled_at = ?, status = ?, reason = ? WHERE position = ?',
          ...[state, attempts, nextAt, state === 'waiting' ? null : at, status, reason, position],
        );
      }
    });
  }

  async deliveries(
    endpoint: string,
    { state, limit, before }: DeliveryQuery,
  ): Promise<{ deliveries: WebhookDelivery[]; before: number | null }> {
    const rows = this.#database.all(
      `SELECT d.position, d.event, e.type, e.room, e.sequence, e.created_at, d.state, d.attempts, d.next_at, d.settled_at, d.status, d.reason
       FROM webhook_deliveries d JOIN webhook_events e ON e.id = d.event
       WHERE d.endpoint = ? AND (? IS NULL OR d.state = ?) AND d.position < ? ORDER BY d.position DESC LIMIT ?`,
      ...[endpoint, state ?? null, state ?? null, before ?? Number.MAX_SAFE_INTEGER, limit],
    );
    const last: Row | undefined = rows.length === limit ? rows.at(-1) : undefined;
    return { deliveries: rows.map((row) => DeliveryRow.parse(row)), before: last ? Number(last.position) : null };
  }

  async requeue(
    endpoint: string,
    { event, limit }: { event?: string; limit: number },
    now: number,
  ): Promise<Waiting[]> {
    return this.#database.transaction(() => {
      const settled = event
        ? this.#waiting("d.endpoint = ? AND d.event = ? AND d.state <> 'waiting'", endpoint, event)
        : this.#waiting("d.endpoint = ? AND d.state = 'dead'", endpoint);
      return settled.slice(0, limit).map((old): Waiting => {
        this.#database.run('DELETE FROM webhook_deliveries WHERE position = ?', old.position ?? -1);
        const { lastId } = this.#database.run(
          "INSERT INTO webhook_deliveries (event, endpoint, state, queued_at, next_at) VALUES (?, ?, 'waiting', ?, ?)",
          ...[old.event, endpoint, now, now],
        );
        return { ...old, position: lastId, attempts: 0, queuedAt: now, nextAt: now };
      });
    });
  }

  async purge(now: number): Promise<void> {
    const database = this.#database;
    database.transaction(() => {
      const delivered = "DELETE FROM webhook_deliveries WHERE state = 'delivered' AND settled_at < ?";
      database.run(delivered, now - KEEP_DELIVERED_MS);
      database.run("DELETE FROM webhook_deliveries WHERE state = 'dead' AND settled_at < ?", now - KEEP_DEAD_MS);
      database.run(
        `DELETE FROM webhook_deliveries WHERE position IN (SELECT position FROM (
           SELECT position, row_number() OVER (PARTITION BY endpoint ORDER BY position DESC) AS n FROM webhook_deliveries WHERE state = 'dead'
         ) WHERE n > ?)`,
        MAX_DEAD,
      );
      database.run(
        'DELETE FROM webhook_events WHERE NOT EXISTS (SELECT 1 FROM webhook_deliveries WHERE event = webhook_events.id)',
      );
      database.run('DELETE FROM webhook_rooms WHERE opened_at IS NULL AND used_at < ?', now - KEEP_ROOM_MS);
      database.run(
        'UPDATE webhook_endpoints SET old_secret = NULL, old_secret_until = NULL WHERE old_secret_until < ?',
        now,
      );
    });
  }
}
