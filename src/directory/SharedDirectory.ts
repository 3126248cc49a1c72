/**
 * The directory over a store. In: questions of this process, changes of the store. Out: leases, views, readiness. Each third of a lease's life
 * there is a round: it renews what is held, tells again what was forgotten, and has the store take away what has expired. A round is also
 * due when the next entry would expire, so that watchers hear of it at once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { AppError } from '../contracts/errors.ts';
import { OLDEST_PROTOCOL, PROTOCOL } from '../contracts/ids.ts';
import { MOVES_SINCE } from '../contracts/protocol.ts';
import { Announcement } from './Announcement.ts';
import type { AgentEntry, Claim, Directory, HoldOptions } from './Directory.ts';
import { type Entry, type EntryData, type EntryKind, type NodeInfo, type NodeRole, parseEntry } from './entries.ts';
import { type Claimed, Holdings } from './Holdings.ts';
import type { Lease } from './Lease.ts';
import type { DirectoryMetrics } from './metrics.ts';
import type { Store } from './Store.ts';
import type { View } from './View.ts';
import { Watches } from './Watches.ts';

/** A directory that is away is asked again after this, ms. */
const RETRY_MS = 250;
/** After an entry has expired, ms: by then it really has. */
const EXPIRY_MARGIN_MS = 5;
/** So many rounds in a row fail at the start before it is said: the first comes before the connection. */
const PATIENT_ROUNDS = 8;
/** Giving back at the end takes no longer, ms. */
const CLOSE_LIMIT_MS = 2_000;
/** Broadcasts whose delivery node is remembered. */
const REMEMBERED_DELIVERIES = 10_000;

export interface SharedDirectoryOptions {
  store: Store;
  /** This node's name; of all processes only this one has it. */
  node: string;
  /** Base URLs of agents that are configured, or all that is known of them; left out: those that are announced. */
  agents?: (() => readonly (string | AgentEntry)[]) | undefined;
  /** Base URL of the delivery node that is configured; left out: the emptiest that is announced. */
  delivery?: (() => string) | undefined;
  logger: Logger;
  metrics?: DirectoryMetrics | undefined;
}

interface DirectoryEvents {
  /** The store has everything that this node holds. */
  up: [];
  /** It is away, or has forgotten something; what is held stays held. */
  down: [];
  /** What is known of configured agents has changed. */
  agents: [];
}

export class SharedDirectory extends TypedEmitter<DirectoryEvents> implements Directory {
  readonly node: string;
  readonly #options: SharedDirectoryOptions;
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #holdings: Holdings;
  readonly #watches: Watches;
  readonly #announcements = new Set<Announcement>();
  readonly #claiming = new Map<string, Promise<Claim<EntryKind>>>();
  /** Compositor → agent URL. */
  readonly #placed = new Map<string, string>();
  readonly #deliveries = new LRUCache<string, string>({ max: REMEMBERED_DELIVERIES });
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  /** Asked for while one was on its way. */
  #again = false;
  #up = false;
  /** Rounds that have failed since the start; none of them was said. */
  #quietFailures = 0;

  constructor(options: SharedDirectoryOptions) {
    super();
    const { store, node, logger, metrics } = options;
    this.node = node;
    this.#options = options;
    this.#store = store;
    this.#logger = logger.child({ part: 'directory' });
    this.#holdings = new Holdings({ store, node, logger: this.#logger, metrics });
    this.#watches = new Watches(store, this.#logger);
    store.on('change', (change) => {
      this.#watches.noticed(change);
      if (this.#holdings.noticed(change)) void this.round();
    });
    store.on('connected', () => {
      void this.#watches.list();
      void this.round();
    });
    store.on('disconnected', () => this.#down(undefined));
  }

  readiness(): { ready: boolean; reason: string } {
    return this.#up ? { ready: true, reason: '' } : { ready: false, reason: 'the directory (Redis) is away' };
  }

  async untilReady(limitMs: number): Promise<boolean> {
    if (this.readiness().ready) return true;
    this.#start();
    const limit = new AbortController();
    const up = new Promise<void>((resolve) => this.once('up', resolve));
    await Promise.race([up, delay(limitMs, undefined, { signal: limit.signal }).catch(() => {})]);
    limit.abort();
    return this.readiness().ready;
  }

  async agents(): Promise<AgentEntry[]> {
    const placed = [...this.#placed.values()];
    const ownLoad = (url: string): number => placed.filter((agent) => agent === url).length;
    const configured = this.#options.agents?.();
    if (configured)
      return configured.map((agent) => {
        if (typeof agent !== 'string') return agent;
        const url = withoutSlash(agent);
        return { url, capacity: null, load: ownLoad(url), draining: false };
      });
    const nodes = await this.#nodes('compositor');
    // An agent says what it has; what we have just placed there it may not have said yet.
    return nodes.map(({ url, capacity, load, slots, used, draining, version, protocol }) => ({
      ...{ url, capacity, slots, used, draining, version, protocol },
      load: Math.max(load, ownLoad(url)),
    }));
  }

  async watchAgents(changed: () => void): Promise<void> {
    this.on('agents', changed);
    const view = await this.watch('node');
    view.on('changed', changed);
    view.on('gone', changed);
  }

  /** What `agents` says of configured ones is another now. */
  agentsChanged(): void {
    this.emit('agents');
  }

  async delivery(broadcast: string): Promise<string> {
    const configured = this.#options.delivery?.();
    if (configured) return withoutSlash(configured);
    // It may have been moved: who has its playlists says so, also while the directory is away.
    const now = (await this.watch('playback')).get(broadcast)?.data.url;
    const known = now ?? this.#deliveries.get(broadcast) ?? (await this.#recordedDelivery(broadcast));
    const url = known ?? (await this.#emptiestDelivery());
    this.#deliveries.set(broadcast, url);
    return url;
  }

  async deliveryInsteadOf(url: string): Promise<string> {
    if (this.#options.delivery?.()) throw new AppError('no-capacity', 'The delivery node is a configured one.');
    return this.#emptiestDelivery(({ url: other, protocol }) => other !== url && protocol >= MOVES_SINCE);
  }

  async placed(agentUrl: string, compositor: string): Promise<void> {
    this.#placed.set(compositor, agentUrl);
  }

  async released(compositor: string): Promise<void> {
    this.#placed.delete(compositor);
  }

  async announce(info: NodeInfo): Promise<Announcement> {
    this.#checkOpen();
    const announcement = new Announcement({
      info: { ...info, url: withoutSlash(info.url) },
      claim: (now) => this.#holdings.claim('node', now.url, now),
      logger: this.#logger,
    });
    this.#announcements.add(announcement);
    this.#start();
    await announcement.attempt().catch((error: unknown) => this.#logger.debug({ err: error }, 'not announced yet'));
    return announcement;
  }

  claim<K extends EntryKind>(kind: K, id: string, data: EntryData<K>): Promise<Claim<K>> {
    // Race: two of our own callers would get two fences, and the first would have lost at once.
    const key = `${kind}:${id}`;
    const claiming = this.#claiming.get(key) ?? this.#claim(kind, id, data);
    this.#claiming.set(key, claiming as Promise<Claim<EntryKind>>);
    const done = () => {
      if (this.#claiming.get(key) === claiming) this.#claiming.delete(key);
    };
    claiming.then(done, done);
    return claiming as Promise<Claim<K>>;
  }

  async hold<K extends EntryKind>(
    kind: K,
    id: string,
    data: EntryData<K>,
    fence: number,
    options: HoldOptions = {},
  ): Promise<Lease<K>> {
    this.#checkOpen();
    this.#start();
    return this.#holdings.hold(kind, id, data, fence, options);
  }

  async find<K extends EntryKind>(kind: K, id: string): Promise<Entry<K> | null> {
    const raw = await this.#ask(() => this.#store.get({ kind, id }));
    const entry = raw && parseEntry(kind, raw);
    if (raw && !entry) this.#logger.warn({ kind, id, holder: raw.holder }, 'an entry that can not be understood');
    return entry;
  }

  async watch<K extends EntryKind>(kind: K): Promise<View<K>> {
    this.#start();
    return this.#watches.view(kind);
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    clearTimeout(this.#timer);
    this.#watches.close();
    await this.#running;
    const announcements = [...this.#announcements].map((announcement) => announcement.close());
    const given = Promise.all([...announcements, this.#holdings.releaseAll()]);
    await Promise.race([given, delay(CLOSE_LIMIT_MS, undefined, { ref: false })]);
    await this.#store.close();
  }

  /** Of its own accord each third of a lease's life. Never rejects. */
  round(): Promise<void> {
    if (this.#closed.signal.aborted) return Promise.resolve();
    if (this.#running) this.#again = true;
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined;
      if (!this.#again) return;
      this.#again = false;
      void this.round();
    });
    return this.#running;
  }

  async #round(): Promise<void> {
    clearTimeout(this.#timer);
    const { metrics } = this.#options;
    const startedAt = performance.now();
    let waitMs = RETRY_MS;
    try {
      for (const announcement of this.#announcements) await announcement.attempt();
      const { rev, nextMs } = await this.#holdings.round();
      this.#watches.round(rev);
      const third = this.#store.ttlMs / 3;
      waitMs = Math.min(third, nextMs === null ? third : Math.max(0, nextMs) + EXPIRY_MARGIN_MS);
      metrics?.roundSeconds.observe((performance.now() - startedAt) / 1000);
      this.#isUp();
    } catch (error) {
      metrics?.failures.inc();
      this.#down(error);
    }
    if (this.#closed.signal.aborted) return;
    this.#timer = setTimeout(() => void this.round(), waitMs);
    this.#timer.unref();
  }

  #start(): void {
    if (this.#timer === undefined && !this.#running) void this.round();
  }

  #isUp(): void {
    this.#options.metrics?.up.set(1);
    if (this.#up) return;
    this.#up = true;
    this.#logger.info('the directory has everything that this node holds');
    this.emit('up');
  }

  #down(error: unknown): void {
    this.#options.metrics?.up.set(0);
    if (!this.#up) {
      this.#quietFailures += 1;
      if (this.#quietFailures === PATIENT_ROUNDS) this.#logger.warn({ err: error }, 'the directory is not there yet');
      return;
    }
    this.#up = false;
    this.#quietFailures = PATIENT_ROUNDS;
    this.#logger.warn({ err: error }, 'the directory is away; what is live goes on');
    this.emit('down');
  }

  async #claim<K extends EntryKind>(kind: K, id: string, data: EntryData<K>): Promise<Claim<K>> {
    for (;;) {
      this.#checkOpen();
      const held = this.#holdings.get(kind, id);
      if (held) return { lease: held };
      this.#start();
      const claimed: Claimed<K> = await this.#ask(() => this.#holdings.claim(kind, id, data));
      if (claimed.waitMs === undefined) return claimed as Claim<K>;
      this.#logger.info({ kind, id, waitMs: claimed.waitMs }, 'the directory settles');
      await delay(claimed.waitMs + 1, undefined, { signal: this.#closed.signal }).catch(() => {});
    }
  }

  #checkOpen(): void {
    if (this.#closed.signal.aborted) throw new AppError('shutting-down');
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError('directory-unavailable', undefined, { cause: error });
    }
  }

  async #nodes(role: NodeRole): Promise<NodeInfo[]> {
    const view = await this.watch('node');
    // Who is newer understands our protocol as the one before its own.
    return view.entries
      .map(({ data }) => data)
      .filter((node) => node.role === role && node.protocol >= OLDEST_PROTOCOL && node.protocol <= PROTOCOL + 1);
  }

  async #recordedDelivery(broadcast: string): Promise<string | undefined> {
    const own = this.#holdings.get('record', broadcast)?.data.deliveryUrl;
    if (own) return own;
    // While it is away: a broadcast that is new can be given to a node that is known.
    const recorded = await this.find('record', broadcast).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'directory-unavailable') return null;
      throw error;
    });
    return recorded?.data.deliveryUrl;
  }

  async #emptiestDelivery(will: (node: NodeInfo) => boolean = () => true): Promise<string> {
    const nodes = (await this.#nodes('delivery')).filter((node) => !node.draining && will(node));
    const [emptiest] = nodes.sort((a, b) => a.load - b.load);
    if (!emptiest) throw new AppError('no-capacity', 'No delivery node is there at the moment.');
    return emptiest.url;
  }
}

export const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
