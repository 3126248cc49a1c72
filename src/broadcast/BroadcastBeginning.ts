import type { Destination } from './destinations.ts';
import type { Ownership } from './record/Ownership.ts';
import type { Resumed } from './record/resumed.ts';

/** What is known of a broadcast before it begins here. */
export interface BroadcastBeginning {
  id: string;
  destinations: readonly Destination[];
  /** It goes on where a process that died, or has handed it on, had it. */
  resumed?: Resumed;
  /** It waits for its first compositor already, since then (ms since 1970), where another process had it. */
  queuedAt?: number;
  /** It asks for a compositor only then: of what a process has left, what is seen comes first. */
  after?: Promise<unknown>;
  /** This node owns it already. */
  owner?: Ownership;
}
