import type { AgentEntry } from './Directory.ts';

/** The share of an agent that is in use, 0 to 1; of one whose capacity is not known, an estimate that grows with its load. */
function usedShare({ capacity, load }: AgentEntry): number {
  return capacity === null ? load / (load + 4) : load / Math.max(1, capacity);
}

/** The agents to ask for a compositor, the emptiest first; full and draining ones are not asked. */
export function placementOrder(agents: readonly AgentEntry[]): AgentEntry[] {
  return agents
    .filter((agent) => !agent.draining && (agent.capacity === null || agent.load < agent.capacity))
    .sort((a, b) => usedShare(a) - usedShare(b));
}
