/**
 * Which broadcasts should be handed over to other agents now. In: agents, where each broadcast's compositor is at work, and who waits. Out: moves
 * (advice.ts), at most one from each agent; next: broadcast/place/Balance.ts of every node reckons the same ones, and does its own. Pure.
 */
import { type Move, makeRoom, relieve } from './advice.ts';
import type { AgentView, Running, Wish } from './views.ts';

/** A broadcast with a compositor at work on `agent`. */
export interface Berthed extends Running {
  agent: string;
  /** It is on its way to another one already. */
  moving: boolean;
}

export interface Balancing {
  agents: readonly AgentView[];
  berths: readonly Berthed[];
  /** Who waits, and has an agent kept for it (queue.ts). */
  waiting: readonly { wish: Wish; reserved: string }[];
}

/**
 * First agents that need more than they have are relieved; when there are none, room is made for the first who waits. What is on its way counts as gone
 * from where it was, and nothing else leaves that agent until it is.
 */
export function balancingMoves({ agents, berths, waiting }: Balancing): Move[] {
  // In one order, so that every node reckons the same.
  const busy = agents
    .toSorted((a, b) => (a.url < b.url ? -1 : 1))
    .map((agent) => {
      const here = berths.filter((berth) => berth.agent === agent.url);
      const leaving = here.filter(({ moving }) => moving).reduce((sum, { slots }) => sum + slots, 0);
      return { ...agent, used: Math.max(0, agent.used - leaving), running: here.filter(({ moving }) => !moving) };
    });
  const relieving = relieve(busy);
  const moves = relieving.length > 0 ? relieving : roomForFirst(busy, waiting);
  const left = new Set(berths.filter(({ moving }) => moving).map(({ agent }) => agent));
  return moves.filter(({ from }) => {
    const first = !left.has(from);
    left.add(from);
    return first;
  });
}

function roomForFirst(agents: Parameters<typeof makeRoom>[0], waiting: Balancing['waiting']): Move[] {
  for (const { wish, reserved } of waiting) {
    const moves = makeRoom(agents, wish, reserved);
    if (moves) return moves;
  }
  return [];
}
