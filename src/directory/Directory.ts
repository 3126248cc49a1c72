/** Who is where. In memory (MemoryDirectory.ts) for one machine; the same questions are answered from Redis for more. */

/** A compositor agent as far as it is known; the agent itself has the last word (`refused`). */
export interface AgentEntry {
  /** Base URL of its internal port, without a slash at the end; it is the agent's name, too. */
  url: string;
  /** Broadcasts that it takes at the same time; null when it is not known. */
  capacity: number | null;
  /** Broadcasts that it has. */
  load: number;
  draining: boolean;
}

export interface Directory {
  agents(): Promise<AgentEntry[]>;
  /** Base URL of the internal port of the delivery node that owns the broadcast's output; the same for its whole life. */
  delivery(broadcast: string): Promise<string>;
  /** A compositor runs on this agent, until `released`. */
  placed(agentUrl: string, compositor: string): Promise<void>;
  released(compositor: string): Promise<void>;
}
