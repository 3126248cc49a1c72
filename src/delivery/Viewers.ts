import type { FastifyRequest } from 'fastify';
import type { Clock } from '../common/clock.ts';
import { BEACON_EVERY_MS } from '../contracts/beacon.ts';
import { Watching } from './viewers/Watching.ts';

/** Who has not fetched a playlist for this long is gone, ms. */
const GONE_AFTER_MS = 10_000;
/** Whose page has not said anything for this long is gone, ms: one beacon may be lost. */
const SILENT_AFTER_MS = 2.2 * BEACON_EVERY_MS;
/** An estimate needs no more than this for one broadcast; a flood of made-up user agents must not fill the memory. */
const MAX_COUNTED = 100_000;
/** Pages behind one address with one user agent: a hall full of the same tablets, and not a flood. */
const MAX_PAGES = 500;
/** A page that says something more often than this says too much, ms. */
const SHORTEST_SPAN_MS = 2_000;

type Player = Pick<FastifyRequest, 'ip' | 'headers'>;

/** All with one address and one user agent. */
interface Group {
  /** When one of them last fetched a playlist, ms of the clock. */
  playlistAt: number;
  /** Pages that said that they watch, and when they last did. */
  pages: Map<string, number>;
}

/**
 * Viewers per broadcast: players that fetched a playlist lately, told apart by connection address and user agent; where pages say
 * themselves that they watch, as many as do; and what other delivery nodes say of theirs. An estimate.
 */
export class Viewers {
  /** How they fare. */
  readonly watching: Watching;
  readonly #clock: Clock;
  readonly #seen = new Map<string, Map<string, Group>>();
  readonly #elsewhere = new Map<string, Map<string, { count: number; at: number }>>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.watching = new Watching(clock);
  }

  seen(broadcast: string, { ip, headers }: Player): void {
    let groups = this.#seen.get(broadcast);
    if (!groups) {
      groups = new Map();
      this.#seen.set(broadcast, groups);
    }
    const group = groupOf(groups, keyOf(ip, headers['user-agent']));
    if (group) group.playlistAt = this.#clock.now();
  }

  /** A page says that it watches, or that it leaves. `unknown`: nobody plays this broadcast from here; or it says too much. */
  beacon(
    broadcast: string,
    { ip, agent }: { ip: string; agent: string },
    { session, leaving }: { session: string; leaving: boolean },
  ): 'counted' | 'unknown' | 'too-many' {
    const groups = this.#seen.get(broadcast);
    const group = groups && groupOf(groups, keyOf(ip, agent));
    if (!group) return 'unknown';
    const now = this.#clock.now();
    const before = group.pages.get(session);
    if (leaving) {
      group.pages.delete(session);
      // The last of them takes its player along.
      if (group.pages.size === 0) group.playlistAt = Number.NEGATIVE_INFINITY;
      return before === undefined ? 'unknown' : 'counted';
    }
    if (before !== undefined && now - before < SHORTEST_SPAN_MS) return 'too-many';
    if (before === undefined && group.pages.size >= MAX_PAGES) return 'too-many';
    group.pages.set(session, now);
    return 'counted';
  }

  /** Another delivery node has so many; what it said last holds. `report` is as in EDGE_VIEWERS_HEADER; another text is passed over. */
  elsewhere(broadcast: string, report: string): void {
    const [, node, count] = /^([\w-]{1,64});(\d{1,7})$/.exec(report) ?? [];
    if (node === undefined) return;
    let nodes = this.#elsewhere.get(broadcast);
    if (!nodes) {
      nodes = new Map();
      this.#elsewhere.set(broadcast, nodes);
    }
    nodes.set(node, { count: Number(count), at: this.#clock.now() });
  }

  count(broadcast: string): number {
    const now = this.#clock.now();
    let sum = 0;
    const groups = this.#seen.get(broadcast) ?? new Map<string, Group>();
    for (const [key, { playlistAt, pages }] of groups) {
      for (const [session, at] of pages) if (at < now - SILENT_AFTER_MS) pages.delete(session);
      // Pages without a player tell nothing: one that was killed could not say that it leaves.
      if (playlistAt < now - GONE_AFTER_MS) groups.delete(key);
      else sum += Math.max(1, pages.size);
    }
    const nodes = this.#elsewhere.get(broadcast) ?? new Map<string, { count: number; at: number }>();
    for (const [node, { count, at }] of nodes) {
      if (at < now - GONE_AFTER_MS) nodes.delete(node);
      else sum += count;
    }
    if (groups.size === 0) this.#seen.delete(broadcast);
    if (nodes.size === 0) this.#elsewhere.delete(broadcast);
    return sum;
  }

  /** Forgets who is gone, of every broadcast. */
  prune(): void {
    for (const broadcast of [...this.#seen.keys(), ...this.#elsewhere.keys()]) this.count(broadcast);
    this.watching.prune();
  }

  forget(broadcast: string): void {
    this.#seen.delete(broadcast);
    this.#elsewhere.delete(broadcast);
    this.watching.forget(broadcast);
  }
}

const keyOf = (ip: string, agent: string | undefined): string => `${ip} ${agent ?? ''}`.slice(0, 200);

/** undefined: there are too many already. */
function groupOf(groups: Map<string, Group>, key: string): Group | undefined {
  const known = groups.get(key);
  if (known || groups.size >= MAX_COUNTED) return known;
  const group: Group = { playlistAt: Number.NEGATIVE_INFINITY, pages: new Map() };
  groups.set(key, group);
  return group;
}
