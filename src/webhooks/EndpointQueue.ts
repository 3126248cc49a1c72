/**
 * The queue of one endpoint. In: events that are written (Webhooks.ts). Out: requests (WebhookClient.ts), and what became of them in the
 * store.
 *
 * Order: the events of a room are a lane, of which only the first is ever under way; the next one follows when it was accepted or given
 * up. Lanes do not wait for each other, nor do endpoints: each has a queue and connections of its own.
 */
import type { Logger } from '../common/logger.ts';
import type { Secret } from '../common/Secret.ts';
import { SIGNATURE_HEADER } from '../contracts/webhooks.ts';
import { type RetryLimits, waitMs } from './backoff.ts';
import type { WebhookMetrics } from './metrics.ts';
import { sign } from './signature.ts';
import type { PostResult, WebhookClient } from './WebhookClient.ts';
import type { Settled, Waiting, WebhookStore } from './WebhookStore.ts';

/** Requests of one endpoint at the same time. */
export const CONCURRENCY = 8;
/** More is not queued but dead at once, so that an endpoint that is away for long costs bounded memory and disk. */
export const MAX_WAITING = 10_000;

export interface EndpointQueueOptions {
  id: string;
  store: WebhookStore;
  client: WebhookClient;
  /** All that are live, the newest first. */
  secrets: () => readonly Secret[];
  retry: RetryLimits;
  maxWaiting?: number;
  userAgent: string;
  logger: Logger;
  metrics: WebhookMetrics;
}

/** An event in memory; `body` when it is nowhere else. */
export type Queued = Waiting & { body?: string };

interface Lane {
  events: Queued[];
  /** `ready`: in the list of lanes whose first event can go. `later`: it failed, and its time has not come. */
  state: 'ready' | 'sending' | 'later';
  timer?: NodeJS.Timeout;
}

export class EndpointQueue {
  readonly #options: EndpointQueueOptions;
  readonly #logger: Logger;
  readonly #lanes = new Map<string, Lane>();
  readonly #ready: Lane[] = [];
  readonly #sending = new Set<Promise<void>>();
  #waiting = 0;
  #reason = '';
  #state: 'open' | 'closed' = 'open';

  private constructor(options: EndpointQueueOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ webhook: options.id });
  }

  /** With what waits for it since earlier processes. */
  static async create(options: EndpointQueueOptions): Promise<EndpointQueue> {
    const queue = new EndpointQueue(options);
    for (const waiting of await options.store.waiting(options.id)) queue.push(waiting);
    return queue;
  }

  /** Events that have not been accepted yet. */
  get waiting(): number {
    return this.#waiting;
  }

  get full(): boolean {
    return this.#waiting >= (this.#options.maxWaiting ?? MAX_WAITING);
  }

  /** Why the last attempt failed; empty when it was accepted. */
  get reason(): string {
    return this.#reason;
  }

  push(event: Queued): void {
    if (this.#state === 'closed') return;
    this.#waiting++;
    this.#options.metrics.waiting.inc();
    const lane = this.#lanes.get(event.room);
    if (lane) lane.events.push(event);
    else {
      const fresh: Lane = { events: [event], state: 'later' };
      this.#lanes.set(event.room, fresh);
      this.#schedule(fresh);
    }
  }

  /** Whoever waits for a later attempt is tried now. */
  retryNow(): void {
    for (const lane of this.#lanes.values()) if (lane.state === 'later') this.#makeReady(lane);
  }

  /** Ready when the time of its first event has come. */
  #schedule(lane: Lane): void {
    const wait = (lane.events[0]?.nextAt ?? 0) - Date.now();
    if (wait <= 0) {
      this.#makeReady(lane);
      return;
    }
    lane.state = 'later';
    lane.timer = setTimeout(() => this.#makeReady(lane), Math.min(wait, this.#options.retry.maxMs));
  }

  #makeReady(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.state = 'ready';
    this.#ready.push(lane);
    this.#pump();
  }

  #pump(): void {
    while (this.#state === 'open' && this.#sending.size < CONCURRENCY) {
      const lane = this.#ready.shift();
      const event = lane?.events[0];
      if (!lane || !event) return;
      lane.state = 'sending';
      const sending = this.#send(lane, event)
        .catch((error: unknown) => this.#onFault(lane, event, error))
        .finally(() => {
          this.#sending.delete(sending);
          this.#pump();
        });
      this.#sending.add(sending);
    }
  }

  async #send(lane: Lane, event: Queued): Promise<void> {
    const { store, client, secrets, userAgent, metrics } = this.#options;
    const body = event.body ?? (await store.body(event.event));
    if (body === undefined) {
      this.#done(lane);
      return;
    }
    const from = performance.now();
    const result = await client.post(body, {
      [SIGNATURE_HEADER]: sign(body, secrets(), Date.now()),
      'user-agent': userAgent,
    });
    // A request that the end of the process cut off is no failure of the endpoint; it is sent again at the next start.
    if (this.#state === 'closed' && result.outcome !== 'accepted') return;
    metrics.attempts.inc({ outcome: result.outcome });
    metrics.attemptSeconds.observe((performance.now() - from) / 1000);
    await this.#judge(lane, event, result);
  }

  async #judge(lane: Lane, event: Queued, result: PostResult): Promise<void> {
    const { retry, metrics } = this.#options;
    const now = Date.now();
    const { outcome, status, reason } = result;
    event.attempts++;
    this.#note(reason);
    const settled = { attempts: event.attempts, at: now, nextAt: now, status, reason };
    if (outcome === 'accepted') {
      metrics.delaySeconds.observe(Math.max(0, now - event.queuedAt) / 1000);
      await this.#settle(event, { ...settled, state: 'delivered' });
      this.#done(lane);
    } else if (now >= event.queuedAt + retry.giveUpMs) {
      metrics.givenUp.inc({ reason: 'expired' });
      this.#logger.error({ event: event.event, room: event.room, reason }, 'webhook given up');
      await this.#settle(event, { ...settled, state: 'dead' });
      this.#done(lane);
    } else {
      const wait = waitMs(event.attempts, retry, result.retryAfterMs, Math.random());
      // The last attempt is at the time of giving up, not beyond it.
      event.nextAt = Math.round(Math.min(now + wait, event.queuedAt + retry.giveUpMs));
      this.#logger.debug({ event: event.event, attempts: event.attempts, reason }, 'webhook not accepted');
      await this.#settle(event, { ...settled, state: 'waiting', nextAt: event.nextAt });
      this.#schedule(lane);
    }
  }

  /** One line when an endpoint begins to fail, and one when it is well again. */
  #note(reason: string): void {
    if (reason !== '' && this.#reason === '') this.#logger.warn({ reason }, 'webhook is not accepted');
    if (reason === '' && this.#reason !== '') this.#logger.info('webhook is accepted again');
    this.#reason = reason;
  }

  /** When it can not be written the event is sent once more after a restart: receivers know it by its id. */
  async #settle({ position }: Queued, settled: Omit<Settled, 'position'>): Promise<void> {
    if (position === undefined) return;
    try {
      await this.#options.store.settle({ position, ...settled });
    } catch (error) {
      this.#logger.warn({ err: error }, 'what became of a webhook could not be written');
    }
  }

  #done(lane: Lane): void {
    const event = lane.events.shift();
    this.#waiting--;
    this.#options.metrics.waiting.dec();
    if (lane.events.length > 0) this.#schedule(lane);
    else if (event) this.#lanes.delete(event.room);
  }

  #onFault(lane: Lane, event: Queued, error: unknown): void {
    this.#logger.error({ err: error }, 'webhook could not be sent');
    event.nextAt = Date.now() + this.#options.retry.firstMs;
    if (this.#state === 'open') this.#schedule(lane);
  }

  /** Resolves when nothing is under way or ready to go, or after `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    const until = performance.now() + limitMs;
    const limit = new Promise<void>((resolve) => setTimeout(resolve, limitMs).unref());
    while (this.#sending.size > 0 && performance.now() < until) await Promise.race([...this.#sending, limit]);
  }

  /** What is under way is cut off; what waits stays in the store. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const lane of this.#lanes.values()) clearTimeout(lane.timer);
    this.#options.client.close();
    await Promise.all(this.#sending);
    this.#options.metrics.waiting.dec(this.#waiting);
    this.#waiting = 0;
    this.#lanes.clear();
  }
}
