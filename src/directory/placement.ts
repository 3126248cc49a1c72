/** The load distribution program: which agent a broadcast is given, who waits, who moves (placement/). Pure; here is all that others need of it. */
import { PROTOCOL } from '../contracts/ids.ts';
import type { AgentEntry } from './Directory.ts';
import { rankAgents } from './placement/choose.ts';
import type { Strategy } from './placement/views.ts';

export { deletionCosts, drainOrder, type Move, makeRoom, nextToEmpty, relieve } from './placement/advice.ts';
export { chooseAgent, rankAgents } from './placement/choose.ts';
export { type BroadcastShape, type CpuSample, correctFactor, predictSlots, SLOT_CORES } from './placement/cost.ts';
export {
  queueOrder,
  type Round,
  type RoundResult,
  serveQueue,
  type Waiting,
  type WaitReason,
} from './placement/queue.ts';
export { NO_LIMITS, type TenantLimits, type TenantRules } from './placement/tenants.ts';
export { compareVersions, compatible, newestVersion } from './placement/versions.ts';
export type { AgentView, BusyAgent, Running, Strategy, Wish } from './placement/views.ts';

/** Of agents that say nothing of their version and protocol: all alike; they are asked. */
const ALIKE = { version: '', protocol: PROTOCOL };

/**
 * The agents to ask for a compositor where each broadcast counts as one slot, the best first: by default the emptiest; full and draining
 * ones are not asked.
 */
export function placementOrder(agents: readonly AgentEntry[], strategy: Strategy = 'spread'): AgentEntry[] {
  const views = agents.map((entry) => ({ ...ALIKE, ...entry, slots: entry.capacity, used: entry.load, entry }));
  const wish = { id: '', slots: 1, protocol: ALIKE.protocol };
  return rankAgents(views, wish, strategy).map(({ entry }) => entry);
}
