/**
 * The endpoints of webhooks: those of the settings, and those that were made by the API. Each that is enabled has a queue. All changes,
 * and the writing of events, go through one line (`serially`), so that an event meets either the old or the new endpoint.
 */
import type { Logger } from '../common/logger.ts';
import type { Secret } from '../common/Secret.ts';
import { AppError } from '../contracts/errors.ts';
import type { DeliveryQuery, Webhook, WebhookDelivery, WebhookInput } from '../contracts/webhooks.ts';
import type { RetryLimits } from './backoff.ts';
import { CONCURRENCY, EndpointQueue, MAX_WAITING } from './EndpointQueue.ts';
import type { EndpointSecrets } from './EndpointSecrets.ts';
import type { WebhookMetrics } from './metrics.ts';
import { settingsEndpoint } from './settingsEndpoint.ts';
import { newWebhookSecret } from './signature.ts';
import { WebhookClient } from './WebhookClient.ts';
import type { StoredEndpoint, WebhookStore } from './WebhookStore.ts';
import { type PinnedAddress, parseWebhookUrl } from './webhookPolicy.ts';

/** Of the API; each has a queue and connections of its own. */
const MAX_ENDPOINTS = 50;

export interface EndpointsOptions {
  store: WebhookStore;
  secrets: EndpointSecrets;
  /** LIANMAI_WEBHOOK_URLS. */
  settingsUrls: readonly string[];
  /** Throws AppError `webhook-refused`. Whoever writes the settings may send anywhere, the API's users may not. */
  addresses: (url: URL, source: StoredEndpoint['source']) => Promise<PinnedAddress[]>;
  retry: RetryLimits;
  maxWaiting?: number;
  version: string;
  logger: Logger;
  metrics: WebhookMetrics;
}

interface Endpoint {
  stored: StoredEndpoint;
  /** undefined while it is disabled, or its secret can not be opened. */
  queue: EndpointQueue | undefined;
}

export class Endpoints {
  readonly #options: EndpointsOptions;
  readonly #endpoints = new Map<string, Endpoint>();
  #line: Promise<unknown> = Promise.resolve();

  private constructor(options: EndpointsOptions) {
    this.#options = options;
  }

  static async create(options: EndpointsOptions): Promise<Endpoints> {
    const endpoints = new Endpoints(options);
    const { store, settingsUrls, logger } = options;
    const wanted = new Map(settingsUrls.map(settingsEndpoint).map((e) => [e.id, e]));
    for (const stored of await store.endpoints()) {
      if (stored.source === 'api' || wanted.has(stored.id)) await endpoints.#open(stored);
      else {
        logger.info({ webhook: stored.id }, 'webhook is not in the settings any more');
        await store.deleteEndpoint(stored.id);
      }
      wanted.delete(stored.id);
    }
    for (const stored of wanted.values()) await endpoints.#write(stored);
    return endpoints;
  }

  get size(): number {
    return this.#endpoints.size;
  }

  /** Those that get events now. */
  open(): Map<string, { events: readonly string[]; queue: EndpointQueue }> {
    const all = [...this.#endpoints].flatMap(([id, { stored, queue }]) =>
      queue ? [[id, { events: stored.events, queue }] as const] : [],
    );
    return new Map(all);
  }

  /** One after the other. What `work` does before its first `await` is done at once when nothing else is under way. */
  serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#line.then(work);
    this.#line = done.catch(() => {});
    return done;
  }

  async #write(stored: StoredEndpoint): Promise<void> {
    await this.#options.store.putEndpoint(stored);
    await this.#open(stored);
  }

  /** A queue as `stored` says, in place of the one before. */
  async #open(stored: StoredEndpoint): Promise<void> {
    const { store, secrets, addresses, retry, maxWaiting, version, logger, metrics } = this.#options;
    const { id, source } = stored;
    await this.#endpoints.get(id)?.queue?.close();
    const opened = secrets.open(stored);
    if (!opened) logger.error({ webhook: id }, 'the secret of a webhook can not be opened; it needs a new one');
    const url = parseWebhookUrl(stored.url);
    const client = () => new WebhookClient({ url, addresses: (u) => addresses(u, source), concurrency: CONCURRENCY });
    const queue =
      stored.enabled && opened
        ? await EndpointQueue.create({
            ...{ id, store, client: client(), secrets: opened, retry, logger, metrics },
            ...(maxWaiting === undefined ? {} : { maxWaiting }),
            userAgent: `Lianmai/${version}`,
          })
        : undefined;
    this.#endpoints.set(id, { stored, queue });
  }

  async list(): Promise<Webhook[]> {
    return Promise.all([...this.#endpoints.values()].map((endpoint) => this.#about(endpoint)));
  }

  /** Throws AppError `not-found`. */
  async get(id: string): Promise<Webhook> {
    return this.#about(this.#find(id));
  }

  async #about({ stored, queue }: Endpoint): Promise<Webhook> {
    const { id, url, events, enabled, description, source, createdAt, oldSecretUntil } = stored;
    const broken = enabled && !queue ? 'Its secret can not be opened: LIANMAI_SECRET has changed. Make a new one.' : '';
    return {
      ...{ id, url, events, enabled, description, source, createdAt },
      oldSecretUntil: oldSecretUntil !== null && oldSecretUntil > Date.now() ? oldSecretUntil : null,
      waiting: queue?.waiting ?? (await this.#options.store.waiting(id)).length,
      reason: queue?.reason ?? broken,
    };
  }

  #find(id: string): Endpoint {
    const endpoint = this.#endpoints.get(id);
    if (!endpoint) throw new AppError('not-found', 'There is no webhook of this id.');
    return endpoint;
  }

  #findOwn(id: string): Endpoint {
    const endpoint = this.#find(id);
    if (endpoint.stored.source === 'settings')
      throw new AppError('conflict', 'This webhook is one of LIANMAI_WEBHOOK_URLS; it is changed there.');
    return endpoint;
  }

  /**
   * Makes a webhook, or changes one; what waits for it is then tried at once. The secret of a new one is told here only.
   * Throws AppError `webhook-refused`, `conflict` (too many, or of the settings).
   */
  async put(id: string, input: WebhookInput): Promise<{ webhook: Webhook; secret: Secret | null }> {
    if (this.#endpoints.has(id)) this.#findOwn(id);
    const url = parseWebhookUrl(input.url);
    await this.#options.addresses(url, 'api');
    return this.serially(async () => {
      const known = this.#endpoints.has(id) ? this.#findOwn(id).stored : undefined;
      if (!known && [...this.#endpoints.values()].filter((e) => e.stored.source === 'api').length >= MAX_ENDPOINTS)
        throw new AppError('conflict', `There are ${MAX_ENDPOINTS} webhooks already.`);
      const secret = known ? null : newWebhookSecret();
      const sealed = secret ? { sealedSecret: this.#options.secrets.seal(secret) } : {};
      const fresh = { createdAt: Date.now(), sealedSecret: '', sealedOldSecret: null, oldSecretUntil: null };
      await this.#write({ ...fresh, ...known, ...sealed, ...input, id, url: url.href, source: 'api' });
      const queue = this.#find(id).queue;
      queue?.retryNow();
      this.#options.logger.info({ webhook: id, host: url.host }, known ? 'webhook changed' : 'webhook added');
      return { webhook: await this.get(id), secret };
    });
  }

  /** A new secret; for `overlapSeconds` the one before signs too. Throws AppError `not-found`, `conflict`. */
  async rotate(id: string, overlapSeconds: number): Promise<{ webhook: Webhook; secret: Secret }> {
    return this.serially(async () => {
      const { stored } = this.#findOwn(id);
      const secret = newWebhookSecret();
      const keep = overlapSeconds > 0;
      await this.#write({
        ...stored,
        sealedSecret: this.#options.secrets.seal(secret),
        sealedOldSecret: keep ? stored.sealedSecret : null,
        oldSecretUntil: keep ? Date.now() + overlapSeconds * 1000 : null,
      });
      this.#options.logger.info({ webhook: id }, 'webhook has a new secret');
      return { webhook: await this.get(id), secret };
    });
  }

  /** With all that waits for it. Throws AppError `not-found`, `conflict`. */
  async delete(id: string): Promise<void> {
    await this.serially(async () => {
      await this.#findOwn(id).queue?.close();
      this.#endpoints.delete(id);
      await this.#options.store.deleteEndpoint(id);
      this.#options.logger.info({ webhook: id }, 'webhook removed');
    });
  }

  /** Throws AppError `not-found`. */
  async deliveries(
    id: string,
    query: DeliveryQuery,
  ): Promise<{ deliveries: WebhookDelivery[]; before: number | null }> {
    this.#find(id);
    return this.#options.store.deliveries(id, query);
  }

  /**
   * One event again, delivered or given up, or all that were given up; how many. They come at the end of their rooms' queues.
   * Throws AppError `not-found`, `conflict` (the queue is full).
   */
  async resend(id: string, event?: string): Promise<number> {
    return this.serially(async () => {
      const { queue } = this.#find(id);
      const limit = Math.max(0, (this.#options.maxWaiting ?? MAX_WAITING) - (queue?.waiting ?? 0));
      if (limit === 0) throw new AppError('conflict', 'The queue of this webhook is full.');
      const again = await this.#options.store.requeue(id, { ...(event ? { event } : {}), limit }, Date.now());
      if (event && again.length === 0)
        throw new AppError('not-found', 'There is no event of this id that was delivered to this webhook or given up.');
      for (const waiting of again) queue?.push(waiting);
      return again.length;
    });
  }

  /** What is under way has `limitMs`; what waits stays in the store. */
  async close(limitMs: number): Promise<void> {
    await this.#line;
    const queues = [...this.#endpoints.values()].flatMap(({ queue }) => queue ?? []);
    await Promise.all(queues.map((queue) => queue.settled(limitMs)));
    await Promise.all(queues.map((queue) => queue.close()));
  }
}
