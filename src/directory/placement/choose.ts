/** Which agent one broadcast is given. In: agents and a wish (views.ts). Out: agents, the best first; next: queue.ts. Pure. */

import { compareVersions, compatible } from './versions.ts';
import { type AgentView, freeSlots, SLOT_EPSILON, type Strategy, type Wish } from './views.ts';

/** Whether the agent can work for it at all, were it empty; a draining one never can. */
export const usable = (agent: AgentView, wish: Wish): boolean =>
  !agent.draining && compatible(agent.protocol, wish.protocol) && !wish.avoid?.includes(agent.url);

export const largeEnough = ({ slots }: AgentView, wish: Wish): boolean =>
  slots === null || slots >= wish.slots - SLOT_EPSILON;

/** How much of its slots an agent has in use, 0 to 1; where it is not known how many there are, an estimate that grows with use. */
const usedShare = ({ slots, used }: AgentView): number => (slots === null ? used / (used + 4) : used / slots);

/** Before 0: `a` is the better one. The newest version; then by strategy; then by name, so that everybody chooses alike. */
export function compareAgents(a: AgentView, b: AgentView, strategy: Strategy): number {
  const byVersion = compareVersions(b.version, a.version);
  if (byVersion !== 0) return byVersion;
  const byUse = strategy === 'spread' ? usedShare(a) - usedShare(b) : byFree(a, b);
  if (Math.abs(byUse) > SLOT_EPSILON) return byUse;
  return a.url < b.url ? -1 : Number(a.url > b.url);
}

/** Those who do not say how many slots they have come last, the emptier first: nobody knows when they are full. */
function byFree(a: AgentView, b: AgentView): number {
  if (a.slots === null || b.slots === null)
    return Number(a.slots === null) - Number(b.slots === null) || a.used - b.used;
  return freeSlots(a) - freeSlots(b);
}

/**
 * The agents that have room for it, the best first. Where no agent is large enough for it an empty one is: a program that gives way to CPU
 * pressure is more than none.
 */
export function rankAgents<A extends AgentView>(agents: readonly A[], wish: Wish, strategy: Strategy = 'binpack'): A[] {
  return fitting(agents, wish).sort((a, b) => compareAgents(a, b, strategy));
}

/** The first of `rankAgents`; undefined: nobody has room. */
export function chooseAgent<A extends AgentView>(
  agents: readonly A[],
  wish: Wish,
  strategy: Strategy = 'binpack',
): A | undefined {
  let best: A | undefined;
  for (const agent of fitting(agents, wish)) {
    if (best === undefined || compareAgents(agent, best, strategy) < 0) best = agent;
  }
  return best;
}

function fitting<A extends AgentView>(agents: readonly A[], wish: Wish): A[] {
  // Most agents of a packed fleet are full: what they lack is seen first.
  const needed = wish.slots - SLOT_EPSILON;
  const roomy = agents.filter((agent) => freeSlots(agent) >= needed && usable(agent, wish));
  if (roomy.length > 0) return roomy;
  const full = agents.filter((agent) => usable(agent, wish));
  if (full.some((agent) => largeEnough(agent, wish))) return [];
  const largest = Math.max(0, ...full.map(({ slots }) => slots ?? 0));
  return full.filter(
    ({ slots, used, places = 1 }) => largest > 0 && slots === largest && used <= SLOT_EPSILON && places > 0,
  );
}
