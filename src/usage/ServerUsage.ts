/** Puts usage together for a server: the recorder for what its parts count, the exchange with other nodes, and the answer to the API. */
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../common/logger.ts';
import { BY_REDIS, type Config } from '../config.ts';
import type { UsageQuery } from '../contracts/usage.ts';
import type { DeliveryNodes } from '../directory/DeliveryNodes.ts';
import type { Database } from '../durable/Database.ts';
import { bearerOf } from '../tokens/Tokens.ts';
import type { UsageMetrics } from './metrics.ts';
import type { PriceTable } from './prices.ts';
import { queryUsage, type UsagePage } from './queryUsage.ts';
import { UsageLedger } from './UsageLedger.ts';
import type { UsageMeter } from './UsageMeter.ts';
import { UsagePeer } from './UsagePeer.ts';
import { UsageRecorder } from './UsageRecorder.ts';
import { registerUsageControl } from './usageControl.ts';

/** How long the API waits for a delivery node's newest figures, ms. */
const FRESH_LIMIT_MS = 3_000;

export interface ServerUsageOptions {
  config: Pick<Config, 'role' | 'dataDir' | 'deliveryUrl' | 'deliveryOrigin' | 'prices'>;
  database: Database;
  newServiceToken: () => Promise<string>;
  logger: Logger;
  metrics: UsageMetrics;
}

export class ServerUsage {
  /** null: there is none. */
  readonly prices: PriceTable | null;
  readonly #ledger: UsageLedger;
  readonly #recorder: UsageRecorder;
  /** By the other node's URL. */
  readonly #peers = new Map<string, UsagePeer>();
  readonly #addPeer: (url: string, pull: boolean) => void;

  private constructor({ config, newServiceToken, ...options }: ServerUsageOptions, ledger: UsageLedger) {
    const { role, dataDir, deliveryUrl, deliveryOrigin, prices } = config;
    this.prices = prices;
    this.#ledger = ledger;
    // Role all has what an SFU has, and may be taken apart later.
    this.#recorder = UsageRecorder.open({ ...options, dataDir, role: role === 'all' ? 'sfu' : role, ledger });
    const commit = () => void this.#recorder.commit();
    this.#addPeer = (given, pull) => {
      const url = given.replace(/\/+$/, '');
      this.#peers.set(url, new UsagePeer({ ...options, url, pull, newServiceToken, ledger, commit }));
    };
    if (role === 'sfu' && deliveryUrl !== '') this.#addPeer(deliveryUrl, true);
    if (deliveryOrigin !== '' && deliveryOrigin !== BY_REDIS) this.#addPeer(deliveryOrigin, false);
  }

  /** What a killed process left is in the ledger when this returns. */
  static open(options: ServerUsageOptions): ServerUsage {
    return new ServerUsage(options, new UsageLedger(options.database));
  }

  /** Exchanges with these delivery nodes, too, as long as each is there. `pull`: for an SFU node. */
  follow(nodes: DeliveryNodes, pull: boolean): void {
    const add = (url: string): void => {
      if (!this.#peers.has(url)) this.#addPeer(url, pull);
    };
    for (const url of nodes.urls) add(url);
    nodes.on('added', add);
    nodes.on('removed', (url) => {
      const peer = this.#peers.get(url);
      this.#peers.delete(url);
      // Its own limit bounds that; it is as good as gone.
      void peer?.close();
    });
  }

  /** Who uses something tells it. */
  get meter(): UsageMeter {
    return this.#recorder.meter;
  }

  /** For other nodes, on the internal port. Call before the server listens. */
  registerControl(fastify: FastifyInstance, verifyService: (token: string | undefined) => Promise<void>): void {
    registerUsageControl(fastify, {
      ledger: this.#ledger,
      commit: () => void this.#recorder.commit(),
      verifyService: (authorization) => verifyService(bearerOf(authorization)),
    });
  }

  /** `complete`: all other nodes that we know of have been asked just now. Throws `bad-request` for a wrong `after`. */
  async query(query: UsageQuery): Promise<{ page: UsagePage; complete: boolean }> {
    this.#recorder.commit();
    const limit = AbortSignal.timeout(FRESH_LIMIT_MS);
    const late = new Promise<false>((resolve) => limit.addEventListener('abort', () => resolve(false), { once: true }));
    const asked = await Promise.all([...this.#peers.values()].map((peer) => Promise.race([peer.exchange(), late])));
    return { page: queryUsage(this.#ledger.database, query, this.prices), complete: !asked.includes(false) };
  }

  /** After all who tell it something. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#peers.values()].map((peer) => peer.close()));
    this.#recorder.close();
  }
}
