/**
 * Who is where. In memory (MemoryDirectory.ts) for one process; in Redis (redis/RedisDirectory.ts) for a fleet: the same interface, held by one
 * suite of tests. docs/fleet-directory.md says what is guaranteed when Redis is away, comes back, or comes back empty.
 */

import type { Announcement } from './Announcement.ts';
import type { Entry, EntryData, EntryKind, NodeInfo, OwnerBeat } from './entries.ts';
import type { Lease } from './Lease.ts';
import type { View } from './View.ts';

/** A compositor agent as far as it is known; the agent itself has the last word (`refused`). */
export interface AgentEntry {
  /** Base URL of its internal port, without a slash at the end; it is the agent's name, too. */
  url: string;
  /** Broadcasts that it takes at the same time; null when it is not known. */
  capacity: number | null;
  /** Broadcasts that it has. */
  load: number;
  /** Slots that it offers, and those in use (placement/cost.ts); left out: a broadcast is a slot. */
  slots?: number | undefined;
  used?: number | undefined;
  draining: boolean;
  /** Of the program; left out where it is not known. */
  version?: string;
  /** The newest version of the six interfaces that it understands; left out where it is not known. */
  protocol?: number;
}

export type Claim<K extends EntryKind> = { lease: Lease<K>; holder?: never } | { lease?: never; holder: Entry<K> };

export interface HoldOptions {
  /** Asked at each renewal and each change of the data; for the owner's clock. */
  beat?: () => OwnerBeat;
}

export interface Directory {
  /** Whose entries are ours. */
  readonly node: string;
  /** Not ready while Redis is away, or does not have everything that this node holds. What is held stays held. */
  readiness(): { ready: boolean; reason: string };

  /** True as soon as it is ready; false when it is not for so long, ms. */
  untilReady(limitMs: number): Promise<boolean>;

  /** The agents as they were last known: Redis may be away. */
  agents(): Promise<AgentEntry[]>;
  /** Calls back whenever `agents` may answer something else; resolves when it is listening. */
  watchAgents(changed: () => void): Promise<void>;
  /** Base URL of the internal port of the delivery node that owns the broadcast's output; the same until it moves. */
  delivery(broadcast: string): Promise<string>;
  /** The emptiest of the others that can take a broadcast over, when the one at `url` goes. Throws AppError `no-capacity` when there is none. */
  deliveryInsteadOf(url: string): Promise<string>;
  /** A compositor runs on this agent, until `released`. */
  placed(agentUrl: string, compositor: string): Promise<void>;
  released(compositor: string): Promise<void>;

  /** This process is there, until it is closed or does not renew any more. It is announced as soon as the directory can be reached. */
  announce(info: NodeInfo): Promise<Announcement>;
  /**
   * Asks to own it: the lease, or who owns it. What this node has already is given again. A directory that settles is waited for, at most
   * LEASE_TTL_MS. Throws AppError `directory-unavailable` when it cannot be reached, and `conflict` when the owner's entry can not be
   * understood.
   */
  claim<K extends EntryKind>(kind: K, id: string, data: EntryData<K>): Promise<Claim<K>>;
  /**
   * This node owns it already, with this fence: from before a restart, or since what it belongs to has that fence (a record: its
   * broadcast's). Does not fail when the directory cannot be reached: it is told later. The lease may be lost at once.
   */
  hold<K extends EntryKind>(
    kind: K,
    id: string,
    data: EntryData<K>,
    fence: number,
    options?: HoldOptions,
  ): Promise<Lease<K>>;
  /** Who owns it; null: nobody. Throws AppError `directory-unavailable`. */
  find<K extends EntryKind>(kind: K, id: string): Promise<Entry<K> | null>;
  /** All entries of a kind, kept up to date by the directory's own notice of each change. Each call gives a view of its own. */
  watch<K extends EntryKind>(kind: K): Promise<View<K>>;
  /** Gives back what is held, but records. Bounded; a directory that is away hears nothing, and lets it expire. */
  close(): Promise<void>;
}
