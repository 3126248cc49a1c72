/**
 * The chat's connections to Redis. This one does steps, and publishes for the adapter: what can not be done now fails at once. Its
 * duplicates, which the adapter makes, only listen: they wait for as long as Redis is away, and go on.
 */
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis, type RedisOptions } from 'ioredis';
import type { Namespace } from 'socket.io';
import type { Adapter } from 'socket.io-adapter';
import type { Secret } from '../common/Secret.ts';
import { CHAT_SCRIPTS } from './redisScripts.ts';

/** A command that has no answer by then has failed, ms. */
const COMMAND_LIMIT_MS = 1_500;
const RECONNECT_MAX_MS = 500;
/** A listener asks for at most 5 s at a time; one that has heard nothing for longer is connected again, ms. */
const LISTEN_LIMIT_MS = 15_000;
/** Entries that the stream keeps, about: each is read at once, and never again, but by a node that stands still for a moment a moment later. */
const STREAM_LENGTH = 10_000;

const retryStrategy = (times: number): number => Math.min(25 * 2 ** Math.min(times, 10), RECONNECT_MAX_MS);

export class ChatRedis extends Redis {
  readonly #url: string;
  readonly #listeners: Redis[] = [];

  constructor(url: Secret) {
    super(url.reveal(), {
      ...{ connectionName: 'lianmai-chat', retryStrategy, scripts: CHAT_SCRIPTS },
      ...{ commandTimeout: COMMAND_LIMIT_MS, socketTimeout: 2 * COMMAND_LIMIT_MS },
      ...{ enableOfflineQueue: false, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 },
    });
    this.#url = url.reveal();
    // Each command says itself that it failed.
    this.on('error', () => {});
  }

  override duplicate(_override?: Partial<RedisOptions>): Redis {
    const connectionName = 'lianmai-chat-listener';
    const waiting = { retryStrategy, maxRetriesPerRequest: null, socketTimeout: LISTEN_LIMIT_MS };
    const listener = new Redis(this.#url, { connectionName, ...waiting });
    // The adapter does not ask how it went: while Redis is away it waits, and when we close before it comes it has failed.
    const subscribe = listener.subscribe.bind(listener) as (...channels: unknown[]) => Promise<unknown>;
    const subscribed = (...channels: unknown[]): Promise<unknown> => subscribe(...channels).catch(() => {});
    Object.assign(listener, { subscribe: subscribed });
    this.#listeners.push(listener);
    return listener;
  }

  /** For socket.io: what is sent to a room on one node reaches those who are connected to another. */
  adapterOf(prefix: string): (namespace: Namespace) => Adapter {
    const name = `${prefix}chat`;
    return createAdapter(this, { streamName: name, channelPrefix: name, maxLen: STREAM_LENGTH, onlyPlaintext: true });
  }

  /** After the adapter was closed: it would ask again at once. */
  endAll(): void {
    for (const redis of [this, ...this.#listeners]) redis.disconnect();
  }
}
