/**
 * How the viewers of each broadcast fare, as the newest beacons say (contracts/beacon.ts). In: beacons that were counted (Beacons.ts), and what
 * other delivery nodes say of theirs. Out: the controller's statistics (ControlSession.ts), and of another node's broadcast a word to its owner.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../common/clock.ts';
import { BEACON_EVERY_MS, type Beacon } from '../../contracts/beacon.ts';

/** What a page said is old after this: one beacon may be lost, ms. */
const OLD_AFTER_MS = 2.2 * BEACON_EVERY_MS;
/** Those who spoke last stand for all: the median of so many is within 3 % of the rank of everybody's. */
const MAX_PAGES = 2_000;
/** Nodes that are listened to for one broadcast. */
const MAX_NODES = 200;
/** A node says it with each playlist that it fetches, ms. */
const NODE_OLD_AFTER_MS = 10_000;

/** What is known of a broadcast's viewers; null: nobody says. */
export interface WatchFigures {
  latencyMs: number | null;
  /** Percent of their time. */
  stalledPercent: number | null;
}

interface Said {
  latencyMs: number | null;
  watchedMs: number;
  stalledMs: number;
  atMs: number;
}
interface NodeSaid {
  pages: number;
  latencyMs: number;
  stalledPercent: number;
  atMs: number;
}

export class Watching {
  readonly #clock: Clock;
  readonly #pages = new Map<string, LRUCache<string, Said>>();
  readonly #nodes = new Map<string, LRUCache<string, NodeSaid>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  heard(broadcast: string, { session, leaving, latencyMs, watchedMs, stalledMs }: Beacon): void {
    let pages = this.#pages.get(broadcast);
    if (!pages) {
      pages = new LRUCache<string, Said>({ max: MAX_PAGES });
      this.#pages.set(broadcast, pages);
    }
    if (leaving) pages.delete(session);
    else pages.set(session, { latencyMs, watchedMs, stalledMs, atMs: this.#clock.now() });
  }

  /** Another node's viewers; `report` is as in EDGE_WATCHING_HEADER, another text is passed over. */
  elsewhere(broadcast: string, report: string): void {
    const [, node, pages, latency, stalled] = /^([\w-]{1,64});(\d{1,7});(\d{1,8});(\d{1,4})$/.exec(report) ?? [];
    if (node === undefined) return;
    let nodes = this.#nodes.get(broadcast);
    if (!nodes) {
      nodes = new LRUCache<string, NodeSaid>({ max: MAX_NODES });
      this.#nodes.set(broadcast, nodes);
    }
    const stalledPercent = Math.min(100, Number(stalled) / 10);
    nodes.set(node, { pages: Number(pages), latencyMs: Number(latency), stalledPercent, atMs: this.#clock.now() });
  }

  /** This node's viewers, for the owner of their broadcast, without the node's name; undefined: nobody says. */
  report(broadcast: string): string | undefined {
    const { pages, latencyMs, stalledPercent } = this.#own(broadcast);
    if (latencyMs === null) return undefined;
    return `${pages};${Math.round(latencyMs)};${Math.round((stalledPercent ?? 0) * 10)}`;
  }

  /** On all nodes. The median of several nodes is the weighted one of theirs. */
  figures(broadcast: string): WatchFigures {
    const { pages, latencyMs, stalledPercent } = this.#own(broadcast);
    const now = this.#clock.now();
    const nodes = [...(this.#nodes.get(broadcast)?.values() ?? [])].filter(
      ({ atMs }) => now - atMs <= NODE_OLD_AFTER_MS,
    );
    if (nodes.length === 0) return { latencyMs, stalledPercent };
    const all = nodes.map((node) => ({ value: node.latencyMs, weight: node.pages, stalled: node.stalledPercent }));
    if (latencyMs !== null) all.push({ value: latencyMs, weight: pages, stalled: stalledPercent ?? 0 });
    const weights = all.reduce((sum, { weight }) => sum + weight, 0);
    return {
      latencyMs: weightedMedian(all),
      stalledPercent:
        weights > 0 ? all.reduce((sum, { stalled, weight }) => sum + stalled * weight, 0) / weights : null,
    };
  }

  forget(broadcast: string): void {
    this.#pages.delete(broadcast);
    this.#nodes.delete(broadcast);
  }

  /** Forgets broadcasts of which nobody says anything any more. */
  prune(): void {
    const now = this.#clock.now();
    for (const [broadcast, pages] of this.#pages)
      if ([...pages.values()].every(({ atMs }) => now - atMs > OLD_AFTER_MS)) this.#pages.delete(broadcast);
    for (const [broadcast, nodes] of this.#nodes)
      if ([...nodes.values()].every(({ atMs }) => now - atMs > NODE_OLD_AFTER_MS)) this.#nodes.delete(broadcast);
  }

  #own(broadcast: string): WatchFigures & { pages: number } {
    const now = this.#clock.now();
    const said = [...(this.#pages.get(broadcast)?.values() ?? [])].filter(({ atMs }) => now - atMs <= OLD_AFTER_MS);
    const latencies = said.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [{ value: latencyMs, weight: 1 }]));
    const watchedMs = said.reduce((sum, each) => sum + each.watchedMs, 0);
    const stalledMs = said.reduce((sum, each) => sum + Math.min(each.stalledMs, each.watchedMs), 0);
    return {
      pages: latencies.length,
      latencyMs: weightedMedian(latencies),
      stalledPercent: watchedMs > 0 ? (stalledMs / watchedMs) * 100 : null,
    };
  }
}

/** The lower one of two. */
function weightedMedian(values: readonly { value: number; weight: number }[]): number | null {
  const sorted = values.filter(({ weight }) => weight > 0).sort((a, b) => a.value - b.value);
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let sum = 0;
  for (const { value, weight } of sorted) {
    sum += weight;
    if (sum >= half) return value;
  }
  return null;
}
