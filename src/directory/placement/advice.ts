/**
 * What would be better placed elsewhere. In: agents with what runs on them. Out: moves (handoffs), who should be emptied, and
 * `pod-deletion-cost`; next: the controllers of the broadcasts hand over, the Kubernetes controller writes annotations. Pure.
 */
import { chooseAgent, largeEnough, usable } from './choose.ts';
import { compareVersions, newestVersion } from './versions.ts';
import {
  type AgentView,
  type BusyAgent,
  freeSlots,
  give,
  onTrial,
  type Running,
  SLOT_EPSILON,
  type Wish,
} from './views.ts';

export interface Move {
  id: string;
  from: string;
  to: string;
}

/** Moves for one room's sake; each costs two compositors for some seconds. */
const MAX_MOVES = 4;
/** Agents that are looked at for one room's sake: those with the least to go. */
const MAX_LOOKED_AT = 16;

/**
 * Moves after which `wish` has room on an agent: on `only`, when given (where it has its reservation); else where the fewest slots have to
 * go. Small holes that are worth nothing one by one become a large one. Undefined: no such moves, or none needed.
 */
export function makeRoom(agents: readonly BusyAgent[], wish: Wish, only?: string): Move[] | undefined {
  const able = agents.filter((agent) => usable(agent, wish) && largeEnough(agent, wish));
  if (able.some((agent) => freeSlots(agent) >= wish.slots - SLOT_EPSILON)) return undefined;
  const looked = able
    .filter(({ url }) => only === undefined || url === only)
    .sort((a, b) => freeSlots(b) - freeSlots(a))
    .slice(0, MAX_LOOKED_AT);
  let best: { moves: Move[]; slots: number } | undefined;
  for (const agent of looked) {
    const leaving = fewestToGo(agent.running, wish.slots - freeSlots(agent));
    const slots = leaving.reduce((sum, { slots }) => sum + slots, 0);
    if (leaving.length === 0 || (best && best.slots <= slots)) continue;
    const moves = movesOf(agent, leaving, agents);
    if (moves) best = { moves, slots };
  }
  return best?.moves;
}

/** The smallest single one that is enough, else the largest ones until it is; none: it is not to be had with few. */
function fewestToGo(running: readonly Running[], needed: number): Running[] {
  const ascending = running.filter(({ pinned }) => !pinned).sort((a, b) => a.slots - b.slots || (a.id < b.id ? -1 : 1));
  const one = ascending.find(({ slots }) => slots >= needed - SLOT_EPSILON);
  if (one) return [one];
  const largest = ascending.reverse().slice(0, MAX_MOVES);
  let sum = 0;
  const count = largest.findIndex(({ slots }) => {
    sum += slots;
    return sum >= needed - SLOT_EPSILON;
  });
  return largest.slice(0, count + 1);
}

/** Where all of them find room off `from`, the largest first; undefined: they do not. */
function movesOf(from: BusyAgent, leaving: readonly Running[], agents: readonly AgentView[]): Move[] | undefined {
  const others = agents.filter(({ url }) => url !== from.url).map(onTrial);
  const moves: Move[] = [];
  for (const { id, slots } of leaving.toSorted((a, b) => b.slots - a.slots)) {
    const to = chooseAgent(others, { id, slots, protocol: from.protocol });
    if (!to || !largeEnough(to, { id, slots, protocol: from.protocol })) return undefined;
    give(to, slots);
    moves.push({ id, from: from.url, to: to.url });
  }
  return moves;
}

/** Agents that need more than they have (their rooms grew, or cost more than predicted): moves that end that, as far as there is room elsewhere. */
export function relieve(agents: readonly BusyAgent[]): Move[] {
  const now = agents.map((agent) => ({ ...agent }));
  const moves: Move[] = [];
  for (const agent of now) {
    if (agent.draining || agent.running.length < 2) continue;
    for (const leaving of fewestToGo(agent.running, -freeSlots(agent))) {
      if (freeSlots(agent) >= -SLOT_EPSILON) break;
      const found = movesOf(agent, [leaving], now)?.[0];
      const to = now.find(({ url }) => url === found?.to);
      if (!found || !to) continue;
      give(to, leaving.slots);
      agent.used -= leaving.slots;
      moves.push(found);
    }
  }
  return moves;
}

/** Who goes first when the fleet shrinks or is renewed: agents of an old version; among equals the emptiest. Draining ones go anyway. */
export function drainOrder<A extends Pick<BusyAgent, 'url' | 'used' | 'draining' | 'version'>>(
  agents: readonly A[],
): A[] {
  const staying = agents.filter(({ draining }) => !draining);
  return staying.sort(
    (a, b) => compareVersions(a.version, b.version) || a.used - b.used || (a.url < b.url ? -1 : Number(a.url > b.url)),
  );
}

/**
 * The next agent to be emptied, with where its rooms go: the first of `drainOrder` whose rooms all have room elsewhere. With agents of an old version
 * it is one of those as long as there are any; else only while the others are filled to no more than `fill` afterwards (0 to 1, the
 * autoscaler's target). Undefined: nobody.
 */
export function nextToEmpty(agents: readonly BusyAgent[], fill: number): { agent: string; moves: Move[] } | undefined {
  const newest = newestVersion(agents.filter(({ draining }) => !draining));
  for (const agent of drainOrder(agents)) {
    const others = agents.filter((other) => other !== agent && !other.draining);
    const outdated = agent.version !== newest;
    if (!outdated && !filledTo(agent.used, others, fill)) return undefined;
    const moves = movesOf(agent, agent.running, agents);
    if (moves) return { agent: agent.url, moves };
  }
  return undefined;
}

function filledTo(more: number, agents: readonly BusyAgent[], fill: number): boolean {
  const known = agents.filter((agent): agent is BusyAgent & { slots: number } => agent.slots !== null);
  const slots = known.reduce((sum, agent) => sum + agent.slots, 0);
  return known.reduce((sum, { used }) => sum + used, more) <= fill * slots + SLOT_EPSILON;
}

/** Deletion costs are in steps of this many slots: an annotation that changes with every sample would be written all the time. */
const COST_STEP_SLOTS = 0.25;
/** An old version's agents all come before the newest one's. */
const OUTDATED = -1_000_000;

/**
 * `controller.kubernetes.io/pod-deletion-cost` of each agent (int32; Kubernetes removes the lowest first): old versions, then the emptiest.
 * Draining agents are left out, they are being removed already.
 */
export function deletionCosts(
  agents: readonly Pick<BusyAgent, 'url' | 'used' | 'draining' | 'version'>[],
): Map<string, number> {
  const staying = agents.filter(({ draining }) => !draining);
  const newest = newestVersion(staying);
  return new Map(
    staying.map(({ url, used, version }) => {
      const steps = Math.ceil(used / COST_STEP_SLOTS - SLOT_EPSILON);
      return [url, version === newest ? steps : OUTDATED + steps];
    }),
  );
}
