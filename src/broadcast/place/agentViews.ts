/**
 * What this node knows of the agents, as the placement policy wants it. In: the directory's entries, and what this node has placed itself: an agent
 * says what it has, and what was just placed there it may not have said yet. Out: views; next: Places.ts serves the queue with them. Pure.
 */
import { PROTOCOL } from '../../contracts/ids.ts';
import type { AgentEntry } from '../../directory/Directory.ts';
import type { AgentView } from '../../directory/placement.ts';

/** What this node has on an agent, or asks it for just now. */
export interface OwnUse {
  agent: string;
  slots: number;
  /** Asked for: what the agent had in use before, and broadcasts; it has it in its own figures when they are higher by this one. */
  asked?: { used: number; load: number } | undefined;
}

/** An agent that has said nothing of its version is as old as can be. */
const NO_VERSION = '';

export function agentViews(agents: readonly AgentEntry[], own: readonly OwnUse[]): (AgentView & { load: number })[] {
  return agents.map((agent) => {
    const { url, capacity, draining, version = NO_VERSION, protocol = PROTOCOL } = agent;
    const here = own.filter((use) => use.agent === url);
    const asked = here.flatMap(({ asked, slots }) =>
      asked ? [{ used: asked.used + slots, load: asked.load + 1 }] : [],
    );
    const ownSlots = here.reduce((sum, { slots }) => sum + slots, 0);
    const used = Math.max(agent.used ?? agent.load, ownSlots, ...asked.map((level) => level.used));
    const load = Math.max(agent.load, here.length, ...asked.map((level) => level.load));
    const places = capacity === null ? {} : { places: capacity - load };
    return { url, slots: agent.slots ?? capacity, used, load, ...places, draining, version, protocol };
  });
}
