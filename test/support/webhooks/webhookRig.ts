/** Webhooks without a server around them: the real store on a real file, the real queues and requests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Secret } from '../../../src/common/Secret.ts';
import { SecretBox } from '../../../src/common/SecretBox.ts';
import { Database } from '../../../src/durable/Database.ts';
import { createMetrics } from '../../../src/metrics.ts';
import type { RetryLimits } from '../../../src/webhooks/backoff.ts';
import { EndpointSecrets } from '../../../src/webhooks/EndpointSecrets.ts';
import { Endpoints } from '../../../src/webhooks/Endpoints.ts';
import { SqliteWebhookStore } from '../../../src/webhooks/SqliteWebhookStore.ts';
import type { WebhookStore } from '../../../src/webhooks/WebhookStore.ts';
import { Webhooks } from '../../../src/webhooks/Webhooks.ts';
import { webhookAddresses } from '../../../src/webhooks/webhookPolicy.ts';

/** As in production, in small. */
const QUICK: RetryLimits = { firstMs: 10, maxMs: 80, giveUpMs: 60_000 };

export interface RigOptions {
  settingsUrls?: string[];
  retry?: Partial<RetryLimits>;
  maxWaiting?: number;
  allowPrivate?: boolean;
  secret?: string;
  /** Of an earlier rig: a restart. */
  folder?: string;
  /** Stands between, to fail. */
  store?: (store: WebhookStore) => WebhookStore;
}

export class WebhookRig {
  readonly folder: string;
  readonly database: Database;
  readonly webhooks: Webhooks;
  readonly store: WebhookStore;
  readonly log: string[];
  readonly settingsSecret: Secret;
  readonly #registry: ReturnType<typeof createMetrics>['registry'];

  private constructor(
    parts: Pick<WebhookRig, 'folder' | 'database' | 'webhooks' | 'store' | 'log' | 'settingsSecret'>,
    registry: ReturnType<typeof createMetrics>['registry'],
  ) {
    this.folder = parts.folder;
    this.database = parts.database;
    this.webhooks = parts.webhooks;
    this.store = parts.store;
    this.log = parts.log;
    this.settingsSecret = parts.settingsSecret;
    this.#registry = registry;
  }

  static async start(options: RigOptions = {}): Promise<WebhookRig> {
    const { settingsUrls = [], allowPrivate = true, secret = 'x'.repeat(32), maxWaiting } = options;
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'lianmai-webhooks-'));
    const log: string[] = [];
    const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(line) });
    const { registry, webhooks: metrics } = createMetrics();
    const database = Database.open(folder);
    const real = new SqliteWebhookStore(database);
    const store = options.store?.(real) ?? real;
    const box = await SecretBox.create({ secrets: [new Secret(secret)], dataDir: folder, purpose: 'webhooks' });
    const settingsSecret = new Secret(`settings ${secret}`);
    const endpoints = await Endpoints.create({
      store,
      secrets: new EndpointSecrets(box, [settingsSecret]),
      settingsUrls,
      addresses: (url, source) => webhookAddresses(url, allowPrivate || source === 'settings'),
      retry: { ...QUICK, ...options.retry },
      ...(maxWaiting === undefined ? {} : { maxWaiting }),
      version: 'test',
      logger,
      metrics,
    });
    const webhooks = await Webhooks.create({ store, endpoints, logger, metrics });
    return new WebhookRig({ folder, database, webhooks, store, log, settingsSecret }, registry);
  }

  /** An event of a person, which says which one it is by the person's name. */
  emit(room: string, name: string): void {
    const peer = { id: 'paaaaaaaa', identity: 'ann', name, role: 'host' as const };
    this.webhooks.emit('peer.joined', room, { peer });
  }

  async put(id: string, url: string, events: string[] = ['*']): Promise<string> {
    const { secret } = await this.webhooks.endpoints.put(id, { url, events, enabled: true, description: '' });
    return secret?.reveal() ?? '';
  }

  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const metric = await this.#registry.getSingleMetric(name)?.get();
    const values = metric?.values as { value: number; labels: Record<string, unknown>; metricName?: string }[];
    return values
      .filter((v) => Object.entries(labels).every(([label, value]) => v.labels[label] === value))
      .reduce((sum, v) => sum + v.value, 0);
  }

  /** The process ends; the folder stays for a rig that is a restart. */
  async stop(): Promise<void> {
    await this.webhooks.close();
    this.database.close();
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const nameOf = (event: { data: Record<string, unknown> }): string => (event.data.peer as { name: string }).name;
