import type { FastifyRequest } from 'fastify';
import type { Clock } from '../common/clock.ts';

/** Who has not fetched a playlist for this long is gone, ms. */
const GONE_AFTER_MS = 10_000;
/** An estimate needs no more than this for one broadcast; a flood of made-up user agents must not fill the memory. */
const MAX_COUNTED = 100_000;

/**
 * Players per broadcast that fetched a playlist lately, told apart by connection address and user agent, and what other delivery
 * nodes say of theirs: an estimate.
 */
export class Viewers {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Map<string, number>>();
  readonly #elsewhere = new Map<string, Map<string, { count: number; at: number }>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  seen(broadcast: string, { ip, headers }: Pick<FastifyRequest, 'ip' | 'headers'>): void {
    let players = this.#seen.get(broadcast);
    if (!players) {
      players = new Map();
      this.#seen.set(broadcast, players);
    }
    const key = `${ip} ${headers['user-agent'] ?? ''}`.slice(0, 200);
    if (players.size < MAX_COUNTED || players.has(key)) players.set(key, this.#clock.now());
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
    const oldest = this.#clock.now() - GONE_AFTER_MS;
    const players = this.#seen.get(broadcast) ?? new Map<string, number>();
    for (const [player, at] of players) if (at < oldest) players.delete(player);
    let sum = players.size;
    const nodes = this.#elsewhere.get(broadcast) ?? new Map<string, { count: number; at: number }>();
    for (const [node, { count, at }] of nodes) {
      if (at < oldest) nodes.delete(node);
      else sum += count;
    }
    if (players.size === 0) this.#seen.delete(broadcast);
    if (nodes.size === 0) this.#elsewhere.delete(broadcast);
    return sum;
  }

  /** Forgets who is gone, of every broadcast. */
  prune(): void {
    for (const broadcast of [...this.#seen.keys(), ...this.#elsewhere.keys()]) this.count(broadcast);
  }

  forget(broadcast: string): void {
    this.#seen.delete(broadcast);
    this.#elsewhere.delete(broadcast);
  }
}
