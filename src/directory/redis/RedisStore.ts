import { Redis } from 'ioredis';
import { z } from 'zod';
import type { Logger } from '../../common/logger.ts';
import type { Secret } from '../../common/Secret.ts';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import { ENTRY_KINDS, type EntryKind, isLasting, type RawEntry } from '../entries.ts';
import {
  type ClaimAnswer,
  type ClaimOrder,
  type EntryKey,
  LEASE_TTL_MS,
  type Listing,
  type RenewAnswer,
  type Renewal,
  type Store,
  type StoreEvents,
} from '../Store.ts';
import { ChangeMessage, ClaimReply, EntryReply, ListReply, RenewReply, rawOf } from './replies.ts';
import { SCRIPTS } from './scripts.ts';

/** A command that has no answer by then has failed, ms; Redis may still do it later, which every step allows for. */
const COMMAND_LIMIT_MS = 1_500;
/** Between tries to connect, ms: an owner has to be back well before its lease would expire. */
const RECONNECT_MAX_MS = 500;

export interface RedisStoreOptions {
  /** redis:// or rediss://, with user, password and database number or without. */
  url: Secret;
  /** Of every key and channel; two fleets in one Redis have two prefixes. */
  prefix: string;
  ttlMs?: number;
  commandLimitMs?: number;
  logger: Logger;
}

type Script = keyof typeof SCRIPTS;

/**
 * The store in Redis: one connection for its steps (scripts.ts), one that listens. In: orders. Out: answers and changes; `connected` each
 * time that both connections are there. A step that can not be done now fails at once: nothing is queued here.
 */
export class RedisStore extends TypedEmitter<StoreEvents> implements Store {
  readonly ttlMs: number;
  readonly #prefix: string;
  readonly #logger: Logger;
  readonly #commands: Redis;
  readonly #listener: Redis;
  /** Of the Redis process that we are connected to; undefined: to none. */
  #run: string | undefined;
  #listening = false;
  /** Why the last connection was none, or ended. */
  #trouble: Error | undefined;
  /** The highest fence that was seen: a Redis that has forgotten is told of it by each step. */
  #highest = 0;

  constructor({ url, prefix, ttlMs = LEASE_TTL_MS, commandLimitMs = COMMAND_LIMIT_MS, logger }: RedisStoreOptions) {
    super();
    this.ttlMs = ttlMs;
    this.#prefix = prefix;
    this.#logger = logger;
    const options = {
      commandTimeout: commandLimitMs,
      // One that hangs, or whose machine has vanished, is given up and connected to again.
      socketTimeout: 2 * commandLimitMs,
      connectTimeout: 2 * commandLimitMs,
      retryStrategy: (times: number) =>
        Math.min(25 * 2 ** Math.min(times, 10), RECONNECT_MAX_MS) * (0.75 + Math.random() / 4),
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      scripts: SCRIPTS,
    };
    this.#commands = new Redis(url.reveal(), { ...options, connectionName: 'lianmai' });
    this.#listener = new Redis(url.reveal(), { ...options, connectionName: 'lianmai-listener' });
    this.#commands.on('ready', () => this.#ready());
    this.#commands.on('close', () => this.#gone());
    this.#listener.on('ready', () => this.#listen());
    this.#listener.on('close', () => {
      this.#listening = false;
    });
    this.#listener.on('message', (_channel: string, message: string) => this.#heard(message));
    for (const redis of [this.#commands, this.#listener])
      redis.on('error', (error: unknown) => {
        this.#trouble = plainError(error);
        logger.debug({ err: this.#trouble }, 'Redis connection failed');
      });
  }

  async claim({ kind, id, holder, fence, data, beat }: ClaimOrder): Promise<ClaimAnswer> {
    // A node's own entry is nobody else's: it does not wait.
    const atOnce = kind === 'node' ? '1' : '0';
    const order = [kind, id, holder, String(fence ?? 0), data, isLasting(kind) ? '1' : '0', atOnce, beat];
    const answer = ClaimReply.parse(await this.#step('lianmaiClaim', order));
    if (answer.outcome === 'mine' || answer.outcome === 'lost') this.#saw(answer.fence);
    if (answer.outcome === 'held') this.#saw(answer.entry.fence);
    return answer;
  }

  async renew(holder: string, held: readonly Renewal[]): Promise<RenewAnswer> {
    const each = held.flatMap(({ kind, id, fence, beat }) => [
      kind,
      id,
      String(fence),
      beat,
      isLasting(kind) ? '1' : '0',
    ]);
    const reply = await this.#step('lianmaiRenew', [holder, String(ENTRY_KINDS.length), ...ENTRY_KINDS, ...each]);
    const { highest, ...answer } = RenewReply.parse(reply);
    this.#saw(highest);
    return answer;
  }

  async release({ kind, id }: EntryKey, holder: string, fence: number): Promise<void> {
    await this.#step('lianmaiRelease', [kind, id, holder, String(fence)]);
  }

  async list(kind: EntryKind): Promise<Listing> {
    return ListReply.parse(await this.#step('lianmaiList', [kind]));
  }

  async get({ kind, id }: EntryKey): Promise<RawEntry | null> {
    const reply = EntryReply.or(z.tuple([])).parse(await this.#step('lianmaiGet', [kind, id]));
    return reply.length === 0 ? null : rawOf(reply);
  }

  listenAgain(): void {
    this.#listener.disconnect(true);
  }

  /** At once: what is still to be said is said before. */
  async close(): Promise<void> {
    this.#run = undefined;
    this.#commands.disconnect();
    this.#listener.disconnect();
  }

  async #step(script: Script, order: readonly string[]): Promise<unknown> {
    if (this.#run === undefined) throw new Error('Redis is not connected', { cause: this.#trouble });
    const commands = this.#commands as unknown as Record<Script, (...args: string[]) => Promise<unknown>>;
    try {
      return await commands[script](this.#prefix, ...[String(this.ttlMs), this.#run, String(this.#highest)], ...order);
    } catch (error) {
      throw plainError(error);
    }
  }

  /** Connected, and its data is loaded. */
  #ready(): void {
    const runOf = (info: string): string => /^run_id:(\w+)/m.exec(info)?.[1] ?? '';
    this.#commands.info('server').then(
      (info) => {
        this.#run = runOf(info);
        this.#connected();
      },
      (error: unknown) => {
        this.#logger.warn({ err: plainError(error) }, 'Redis does not say which process it is');
        this.#commands.disconnect(true);
      },
    );
  }

  #gone(): void {
    if (this.#run === undefined) return;
    this.#run = undefined;
    this.emit('disconnected');
  }

  #listen(): void {
    this.#listener.subscribe(`${this.#prefix}changes`).then(
      () => {
        this.#listening = true;
        this.#connected();
      },
      (error: unknown) => {
        this.#logger.warn({ err: plainError(error) }, 'Redis does not let us listen');
        this.#listener.disconnect(true);
      },
    );
  }

  #connected(): void {
    if (this.#run !== undefined && this.#listening) this.emit('connected');
  }

  #heard(message: string): void {
    const change = ChangeMessage.safeParse(message).data;
    if (!change) {
      this.#logger.warn('a change that can not be understood');
      return;
    }
    this.#saw(change.entry.fence);
    this.emit('change', change);
  }

  #saw(fence: number): void {
    this.#highest = Math.max(this.#highest, fence);
  }
}

/** An ioredis error carries its command with all arguments, and so the password and what was to be written: only its message goes on. */
function plainError(error: unknown): Error {
  const plain = new Error(error instanceof Error ? error.message : 'Redis failed');
  if (error instanceof Error && error.stack) plain.stack = error.stack;
  return plain;
}
