/**
 * Who waits for a compositor, and who gets one now. In: all who wait, agents, tenants' limits, the time. Out: placements, and for everybody
 * else a position and the reason; next: the caller starts compositors, and calls again when something has changed. Pure.
 *
 * The order: rooms that run already and lost their place, the longest wait first; then starts by priority, where each minute of waiting counts like
 * one step of priority, then by age. So everybody comes to the head in the end.
 *
 * Small ones may overtake a big one that fits nowhere, or slots would lie idle; but not for ever: the first in the order that finds
 * no room gets a reservation. One agent, that with the least to go, takes nobody else from then on. What runs there ends, or is moved
 * away (advice.ts, `makeRoom`), so the big one's turn comes whatever arrives behind it. There is one reservation at a time; it goes over to whoever comes
 * to stand before the one that has it. Within a tenant that is at its limit nobody overtakes.
 */
import type { WaitReason } from '../../contracts/broadcast.ts';
import { chooseAgent, largeEnough, usable } from './choose.ts';
import { type TenantRules, TenantUse } from './tenants.ts';
import { type AgentView, freeSlots, give, onTrial, SLOT_EPSILON, type Strategy, type Wish } from './views.ts';

export interface Waiting extends Wish {
  /** `handover`: it runs, or did until its agent was lost, and is seen by viewers. */
  kind: 'start' | 'handover';
  tenant: string;
  /** The higher goes first; 0 is usual. */
  priority: number;
  /** Since when it waits, ms of the clock that `nowMs` is of. */
  sinceMs: number;
}

export interface Round {
  agents: readonly AgentView[];
  waiting: readonly Waiting[];
  tenants: TenantRules;
  strategy?: Strategy;
  nowMs: number;
  /** Waiting id → agent: what the last round answered. */
  reservations?: ReadonlyMap<string, string>;
}

export interface RoundResult {
  /** In the order in which they were given. */
  placed: { id: string; agent: string }[];
  /** In order; the first has position 1. */
  waiting: { id: string; position: number; reason: WaitReason }[];
  /** Give it to the next round. */
  reservations: ReadonlyMap<string, string>;
}

/** Waiting this long is worth one step of priority, ms. */
export const PRIORITY_STEP_MS = 60_000;

const rank = ({ priority, sinceMs }: Waiting, nowMs: number): number =>
  priority + Math.floor(Math.max(0, nowMs - sinceMs) / PRIORITY_STEP_MS);

/** Everybody who waits, the first to be served first. */
export function queueOrder(waiting: readonly Waiting[], nowMs: number): Waiting[] {
  return waiting.toSorted((a, b) => {
    if (a.kind !== b.kind) return a.kind === 'handover' ? -1 : 1;
    const byRank = a.kind === 'start' ? rank(b, nowMs) - rank(a, nowMs) : 0;
    return byRank || a.sinceMs - b.sinceMs || (a.id < b.id ? -1 : 1);
  });
}

/** Serves everybody who can be served now. */
export function serveQueue(round: Round): RoundResult {
  const floor = new Floor(round);
  const use = new TenantUse(round.tenants);
  const result = { placed: [], waiting: [] } as Pick<RoundResult, 'placed' | 'waiting'>;
  for (const wish of queueOrder(round.waiting, round.nowMs)) {
    const allowed = wish.kind === 'handover' || use.asks(wish.tenant, wish.slots);
    const agent = allowed ? floor.take(wish) : undefined;
    if (agent) {
      result.placed.push({ id: wish.id, agent });
      if (wish.kind === 'start') use.add(wish.tenant, wish.slots);
      continue;
    }
    const reason = allowed ? floor.refuse(wish) : 'tenant-limit';
    result.waiting.push({ id: wish.id, position: result.waiting.length + 1, reason });
  }
  return { ...result, reservations: floor.reservations };
}

/** Wishes with the same key can use the same agents. */
const alikeKey = ({ protocol, avoid = [] }: Wish): string => `${protocol} ${avoid.join(' ')}`;

/** The agents during one round: what is given away counts at once. */
class Floor {
  /** Waiting id → agent. Those of before are kept while they still make sense. */
  readonly reservations: Map<string, string>;
  readonly #strategy: Strategy;
  readonly #agents: readonly AgentView[];
  /** Copies of those that have any room left. */
  #open: AgentView[];
  /** Where a wish like this found nothing, one of as many slots or more finds nothing either, in this round. */
  readonly #hopeless = new Map<string, number>();
  readonly #ableByKey = new Map<string, readonly AgentView[]>();
  /** Somebody was refused already: who comes now stands behind. */
  #refused = false;

  constructor({ agents, waiting, strategy = 'binpack', reservations = new Map() }: Round) {
    this.#strategy = strategy;
    this.#agents = agents;
    this.#open = agents.filter((agent) => !agent.draining && freeSlots(agent) > SLOT_EPSILON).map(onTrial);
    const byUrl = new Map(agents.map((agent) => [agent.url, agent]));
    this.reservations = new Map(
      waiting.flatMap((wish) => {
        const agent = byUrl.get(reservations.get(wish.id) ?? '');
        return agent && usable(agent, wish) && largeEnough(agent, wish) ? [[wish.id, agent.url] as const] : [];
      }),
    );
  }

  take(wish: Waiting): string | undefined {
    const key = `${wish.kind} ${alikeKey(wish)}`;
    const mine = this.reservations.get(wish.id);
    if (mine === undefined && wish.slots >= (this.#hopeless.get(key) ?? Number.POSITIVE_INFINITY)) return undefined;
    const agent = this.#choose(wish);
    if (!agent) {
      if (mine === undefined) this.#hopeless.set(key, wish.slots);
      return undefined;
    }
    give(agent, wish.slots);
    if (freeSlots(agent) <= SLOT_EPSILON) this.#open = this.#open.filter((other) => other !== agent);
    this.reservations.delete(wish.id);
    return agent.url;
  }

  #choose(wish: Waiting): AgentView | undefined {
    // What is kept for those behind may be taken by those before: what viewers see comes before what they do not see yet.
    const kept = new Set(this.#refused ? this.reservations.values() : []);
    kept.delete(this.reservations.get(wish.id) ?? '');
    const open = kept.size === 0 ? this.#open : this.#open.filter(({ url }) => !kept.has(url));
    const agent = chooseAgent(open, wish, this.#strategy);
    // What is larger than an open agent may still have a larger agent, which is full now.
    const oversized = agent && !largeEnough(agent, wish);
    return oversized && this.#able(wish).some((able) => largeEnough(able, wish)) ? undefined : agent;
  }

  /** The first one that finds no room has an agent kept for it. */
  refuse(wish: Waiting): WaitReason {
    const able = this.#able(wish);
    if (able.length === 0) {
      const there = this.#agents.some((agent) => !agent.draining && !wish.avoid?.includes(agent.url));
      return there ? 'incompatible' : 'no-capacity';
    }
    if (!this.#refused) {
      const mine = this.reservations.get(wish.id);
      const best = mine ?? this.#leastToGo(able.filter((agent) => largeEnough(agent, wish)))?.url;
      if (best !== undefined) this.#reserve(wish.id, best);
    }
    return 'no-capacity';
  }

  #reserve(id: string, agent: string): void {
    this.#refused = true;
    this.reservations.clear();
    this.reservations.set(id, agent);
  }

  /** The agents that could work for it, had they room. Thousands may wait, and nearly all of them are alike in this. */
  #able(wish: Wish): readonly AgentView[] {
    const key = alikeKey(wish);
    const known = this.#ableByKey.get(key) ?? this.#agents.filter((agent) => usable(agent, wish));
    this.#ableByKey.set(key, known);
    return known;
  }

  #leastToGo(agents: readonly AgentView[]): AgentView | undefined {
    const open = new Map(this.#open.map((agent) => [agent.url, agent]));
    const free = (agent: AgentView): number => {
      const left = open.get(agent.url);
      return left ? freeSlots(left) : 0;
    };
    return agents.reduce<AgentView | undefined>(
      (best, agent) => (best === undefined || free(agent) > free(best) ? agent : best),
      undefined,
    );
  }
}
