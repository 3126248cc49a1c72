import { z } from 'zod';
import type { Logger } from '../common/logger.ts';
import type { ChatRedis } from './ChatRedis.ts';
import { CHAT_KEPT_MS, type ChatLog, type ChatStore, Said, type SayOrder, StoredMessage } from './ChatStore.ts';
import { MemoryChatStore } from './MemoryChatStore.ts';
import type { ChatMetrics } from './metrics.ts';
import type { CHAT_SCRIPTS } from './redisScripts.ts';

/** Between two lines of the log, ms. */
const COMPLAIN_EVERY_MS = 10_000;

const SayReply = z
  .tuple([z.enum(['said', 'out', 'slow']), z.string()])
  .transform(([outcome, value]) => (outcome === 'said' ? { outcome, id: value } : { outcome, until: Number(value) }))
  .pipe(Said);
const pairs = z.array(z.string()).transform((list) => {
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < list.length; at += 2) found.push([list[at] ?? '', list[at + 1] ?? '']);
  return found;
});
const ReadReply = z.tuple([z.coerce.number(), z.string(), pairs, pairs]);

export interface RedisChatStoreOptions {
  redis: ChatRedis;
  prefix: string;
  /** This node's name. */
  node: string;
  logger: Logger;
  metrics: ChatMetrics;
}

/** Of a fleet. What Redis does not do now is done from what this node knows itself. */
export class RedisChatStore implements ChatStore {
  readonly #options: RedisChatStoreOptions;
  readonly #near = new MemoryChatStore();
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RedisChatStoreOptions) {
    this.#options = options;
  }

  async say(order: SayOrder): Promise<Said> {
    const { room, draft, exempt } = order;
    const said = await this.#try(
      async () =>
        SayReply.parse(
          await this.#step('lianmaiChatSay', room, [
            ...[draft.person, draft.from ?? ''],
            ...[exempt, JSON.stringify(draft)],
          ]),
        ),
      () => undefined,
    );
    if (!said) return this.#near.say(order);
    if (said.outcome === 'said') this.#near.note(room, { ...draft, id: said.id });
    return said;
  }

  read(room: string): Promise<ChatLog> {
    return this.#try(
      async () => {
        const reply = ReadReply.parse(await this.#step('lianmaiChatRead', room, []));
        const [slowSeconds, guarded, out, messages] = reply;
        const log: ChatLog = {
          messages: messages.flatMap(([id, text]) => StoredMessage.safeParse({ ...parseJson(text), id }).data ?? []),
          slowSeconds,
          guarded: guarded === '1',
          out: new Map(out.map(([who, until]) => [who, Number(until)])),
        };
        this.#near.learn(room, log);
        return log;
      },
      () => this.#near.read(room),
    );
  }

  async remove(room: string, ids: readonly string[]): Promise<void> {
    await this.#near.remove(room, ids);
    if (ids.length === 0) return;
    const { redis } = this.#options;
    await this.#try(() => redis.xdel(this.#key(room, 'log'), ...ids), nothing);
  }

  async timeOut(room: string, who: readonly string[], seconds: number): Promise<number> {
    const near = await this.#near.timeOut(room, who, seconds);
    const step = () => this.#step('lianmaiChatTimeOut', room, [String(seconds), ...who]);
    return this.#try(
      async () => z.coerce.number().parse(await step()),
      () => near,
    );
  }

  async setSlow(room: string, seconds: number): Promise<void> {
    await this.#near.setSlow(room, seconds);
    await this.#set(room, 'slow', String(seconds));
  }

  async setGuarded(room: string, guarded: boolean): Promise<void> {
    await this.#near.setGuarded(room, guarded);
    await this.#set(room, 'guarded', guarded ? '1' : '0');
  }

  people(room: string, count: number): Promise<number> {
    return this.#try(
      async () => z.number().parse(await this.#step('lianmaiChatPeople', room, [this.#options.node, String(count)])),
      () => count,
    );
  }

  async close(): Promise<void> {
    await this.#near.close();
    this.#options.redis.endAll();
  }

  #key(room: string, name: string): string {
    return `${this.#options.prefix}chat:${room}:${name}`;
  }

  async #set(room: string, name: string, value: string): Promise<void> {
    await this.#try(() => this.#options.redis.set(this.#key(room, name), value, 'PX', CHAT_KEPT_MS), nothing);
  }

  #step(script: keyof typeof CHAT_SCRIPTS, room: string, order: readonly string[]): Promise<unknown> {
    const steps = this.#options.redis as unknown as Record<string, (...args: string[]) => Promise<unknown>>;
    const step = steps[script];
    if (!step) throw new Error(`there is no script ${script}`);
    return step.call(this.#options.redis, this.#key(room, ''), ...order);
  }

  async #try<T, U>(step: () => Promise<T>, instead: () => U | Promise<U>): Promise<T | U> {
    try {
      return await step();
    } catch (error) {
      this.#options.metrics.storeFailures.inc();
      this.#complain(error);
      return instead();
    }
  }

  /** An ioredis error carries its command, and so what somebody wrote: only its message goes on. */
  #complain(error: unknown): void {
    if (performance.now() - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = performance.now();
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.logger.warn({ reason }, 'the chat goes on without Redis: it is of this node alone');
  }
}

const nothing = (): void => {};

function parseJson(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
