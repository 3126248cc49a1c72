/** What happens to recordings on all delivery nodes: a feed (RecordingFeed.ts) for each that is there. */
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { RecordingEvent } from '../contracts/recording.ts';
import type { DeliveryNodes } from '../directory/DeliveryNodes.ts';
import type { Database } from '../durable/Database.ts';
import { RecordingFeed } from './RecordingFeed.ts';
import type { RecordingsClient } from './RecordingsClient.ts';

export interface RecordingFeedsOptions {
  client: Pick<RecordingsClient, 'events'>;
  nodes: DeliveryNodes;
  database: Database;
  logger: Logger;
  /** Resolves when those who were told will not forget it. */
  written?: () => Promise<void>;
}

export class RecordingFeeds extends TypedEmitter<{ event: [event: RecordingEvent] }> {
  readonly #options: RecordingFeedsOptions;
  readonly #feeds = new Map<string, RecordingFeed>();
  /** Of nodes that are gone: a feed ends with its last question. */
  readonly #ending = new Set<Promise<void>>();
  readonly #onAdded = (url: string): void => this.#add(url);
  readonly #onRemoved = (url: string): void => this.#remove(url);
  #closing: Promise<void> | undefined;

  constructor(options: RecordingFeedsOptions) {
    super();
    this.#options = options;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Listen before: the first answer may have events. */
  start(): void {
    const { nodes } = this.#options;
    for (const url of nodes.urls) this.#add(url);
    nodes.on('added', this.#onAdded);
    nodes.on('removed', this.#onRemoved);
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { nodes } = this.#options;
    nodes.off('added', this.#onAdded);
    nodes.off('removed', this.#onRemoved);
    await Promise.all([...[...this.#feeds.values()].map((feed) => feed.close()), ...this.#ending]);
  }

  #add(url: string): void {
    const { nodes, ...options } = this.#options;
    const feed = new RecordingFeed({ ...options, url, name: nodes.configured ? '' : url });
    this.#feeds.set(url, feed);
    feed.on('event', (event) => this.emit('event', event));
    feed.start();
  }

  /** When it comes back, its events go on where they were. */
  #remove(url: string): void {
    const feed = this.#feeds.get(url);
    this.#feeds.delete(url);
    if (!feed) return;
    const ended = feed.close().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
