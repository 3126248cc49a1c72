/**
 * What the load distribution program is told, as plain data. In: whoever knows the fleet (the directory, a simulation) fills these; next:
 * choose.ts gives one broadcast an agent, queue.ts serves all who wait, advice.ts says what to move and whom to empty.
 */

/** Loads are in slots (cost.ts): one is what four people at 720p30 cost. */
export interface AgentView {
  /** Its name. */
  url: string;
  /** Slots that it offers; null: not known, it takes whatever comes until it refuses. */
  slots: number | null;
  /** Slots in use, those of a compositor that is warming up for a handoff included. */
  used: number;
  /** Broadcasts that it takes besides those that it has, whatever they cost; left out: as many as there are slots for. */
  places?: number;
  /** It takes nothing new, and hands over what it has. */
  draining: boolean;
  /** Of its code, by Semantic Versioning. */
  version: string;
  /** The newest protocol number that it speaks; it understands the one before as well. */
  protocol: number;
}

/** A broadcast that has a compositor on an agent. */
export interface Running {
  id: string;
  slots: number;
  /** It is not to be moved now. */
  pinned?: boolean;
}
export interface BusyAgent extends AgentView {
  running: readonly Running[];
}

/** One compositor that is wanted: for a start, a restart, a handoff or a hot standby. */
export interface Wish {
  id: string;
  slots: number;
  /** The newest protocol number of the controller. */
  protocol: number;
  /** Agents that will not do: where it is now, where its twin is, who has just refused. */
  avoid?: readonly string[];
}

/**
 * `binpack`: where the least is left over, so that the other agents become empty and can go. `spread`: where the most is left over, so that an agent
 * that dies takes the fewest rooms along.
 */
export type Strategy = 'binpack' | 'spread';

/** Sums of slots are sums of fractions: what differs by less than this is equal. */
export const SLOT_EPSILON = 1e-6;

export function freeSlots({ slots, used, places = 1 }: Pick<AgentView, 'slots' | 'used' | 'places'>): number {
  if (places <= 0) return Math.min(0, (slots ?? 0) - used);
  return slots === null ? Number.POSITIVE_INFINITY : slots - used;
}

/** One more broadcast is there. */
export function give(agent: AgentView, slots: number): void {
  agent.used += slots;
  if (agent.places !== undefined) agent.places -= 1;
}

/** A copy in which slots can be given away on trial; whatever else the agent's object has is left out. */
export const onTrial = ({ url, slots, used, places, draining, version, protocol }: AgentView): AgentView => ({
  url,
  slots,
  used,
  ...(places === undefined ? {} : { places }),
  draining,
  version,
  protocol,
});
