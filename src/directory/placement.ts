/** The load distribution program: which agent a broadcast is given, who waits, who moves (placement/). Pure; here is all that others need of it. */
export { deletionCosts, drainOrder, type Move, makeRoom, nextToEmpty, relieve } from './placement/advice.ts';
export { type Balancing, type Berthed, balancingMoves } from './placement/balance.ts';
export { chooseAgent, rankAgents } from './placement/choose.ts';
export { type BroadcastShape, type CpuSample, correctFactor, predictSlots, SLOT_CORES } from './placement/cost.ts';
export {
  queueOrder,
  type Round,
  type RoundResult,
  serveQueue,
  type Waiting,
} from './placement/queue.ts';
export { NO_LIMITS, type TenantLimits, type TenantRules, TenantUse } from './placement/tenants.ts';
export { compareVersions, compatible, newestVersion } from './placement/versions.ts';
export type { AgentView, BusyAgent, Running, Strategy, Wish } from './placement/views.ts';
