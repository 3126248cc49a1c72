/**
 * What happens to the recordings of one delivery node, told on the SFU's side, where webhooks are. In: the node's events (RecordingsClient.ts).
 * Out: `event`, each at least once, in order, also those of the time when this node was not there: how far it got is in the database.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { RecordingEvent } from '../contracts/recording.ts';
import type { Database } from '../durable/Database.ts';
import type { RecordingsClient } from './RecordingsClient.ts';

const MIGRATIONS = [
  'CREATE TABLE recording_feed (only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL) STRICT',
  `CREATE TABLE recording_feeds (delivery TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT;
   INSERT INTO recording_feeds SELECT '', position FROM recording_feed;
   DROP TABLE recording_feed`,
];
/** A delivery node that can not be asked is asked again after this, ms. */
const RETRY_MS = 2_000;

interface FeedEvents {
  event: [event: RecordingEvent];
}

export interface RecordingFeedOptions {
  client: Pick<RecordingsClient, 'events'>;
  /** Base URL of the node's internal port. */
  url: string;
  /** What its position is kept under: its URL, or nothing for the one that is configured, whatever its URL is. */
  name: string;
  database: Database;
  logger: Logger;
  /** Resolves when those who were told will not forget it. */
  written?: () => Promise<void>;
}

export class RecordingFeed extends TypedEmitter<FeedEvents> {
  readonly #client: Pick<RecordingsClient, 'events'>;
  readonly #url: string;
  readonly #name: string;
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #written: () => Promise<void>;
  readonly #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: RecordingFeedOptions) {
    super();
    this.#client = options.client;
    this.#url = options.url;
    this.#name = options.name;
    this.#database = options.database;
    this.#logger = options.logger;
    this.#written = options.written ?? (async () => {});
    this.#database.migrate('recording-feed', MIGRATIONS);
  }

  get closed(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Listen before: the first answer may have events. */
  start(): void {
    this.#running = this.#run();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    let told = false;
    while (!signal.aborted) {
      try {
        await this.#ask(signal);
        told = false;
      } catch (error) {
        if (signal.aborted) return;
        if (!told) this.#logger.warn({ err: error, url: this.#url }, 'recordings can not be asked about');
        told = true;
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const position = this.#position();
    const { events, newest } = await this.#client.events(this.#url, position, signal);
    // The first time ever: what was before us is none of our business.
    if (position === null) this.#save(newest);
    // Delivery has another database than the one that we have read from.
    else if (newest < position) this.#save(0);
    else
      for (const event of events) {
        this.emit('event', event);
        // Killed in between, it is told twice rather than never.
        await this.#written();
        this.#save(event.sequence);
      }
  }

  #position(): number | null {
    const row = this.#database.get('SELECT position FROM recording_feeds WHERE delivery = ?', this.#name);
    return row ? Number(row.position) : null;
  }

  #save(position: number): void {
    this.#database.run(
      'INSERT INTO recording_feeds VALUES (?, ?) ON CONFLICT (delivery) DO UPDATE SET position = excluded.position',
      this.#name,
      position,
    );
  }
}
