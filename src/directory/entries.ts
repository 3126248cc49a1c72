/**
 * What the directory knows of: entries, each of a kind, each owned by one node with a fence. Pure: kinds, what each carries, and
 * parsing, since another node, perhaps of another version, wrote them.
 */
import { z } from 'zod';
import { BroadcastInput } from '../contracts/broadcast.ts';
import { ReconnectSeconds } from '../contracts/deliveryControl.ts';
import { BroadcastId, DestinationId, PeerId, RoomId, TenantId } from '../contracts/ids.ts';
import { KeptDoor } from '../contracts/invitations.ts';
import { RecordedProgram } from '../contracts/recordedProgram.ts';
import { Scene } from '../contracts/scene.ts';
import { Schedule } from '../contracts/schedule.ts';

export const NodeRole = z.enum(['sfu', 'compositor', 'delivery']);
export type NodeRole = z.infer<typeof NodeRole>;

/** A process of the fleet; its entry's id is its URL. */
export const NodeInfo = z.object({
  role: NodeRole,
  /** Base URL of its internal port, without a slash at the end. */
  url: z.string().max(512),
  /** Broadcasts that it takes at the same time; null: as many as come. */
  capacity: z.int().min(0).nullable(),
  /** Broadcasts that it has. */
  load: z.int().min(0),
  /** Slots (placement/cost.ts) that it offers, and those in use; left out: a broadcast is a slot. */
  slots: z.number().min(0).optional(),
  used: z.number().min(0).optional(),
  version: z.string().max(64),
  /** contracts/ids.ts, PROTOCOL; any number: who reads it decides whether it understands that one. */
  protocol: z.int(),
  /** It takes nothing new. */
  draining: z.boolean(),
  /** On Kubernetes the name of its pod. */
  pod: z.string().max(253).optional(),
});
export type NodeInfo = z.infer<typeof NodeInfo>;

/** Who serves it: base URL of the owner's internal port. */
const Home = z.object({ url: z.string().max(512) });

/** A destination as it is kept: whoever writes it has sealed what holds the stream key (common/SecretBox.ts). */
const SealedDestination = z.object({
  id: DestinationId,
  name: z.string(),
  target: z.string(),
  reconnectSeconds: ReconnectSeconds,
  sealed: z.string(),
});

/** What another node needs to go on with a broadcast; written before its first frame and at each change. Its fence is another matter than the entry's own. */
export const FleetRecord = RecordedProgram.extend({
  scene: z.object({ version: z.int().min(0), scene: Scene }),
  /** Base URL of the internal port of the delivery node that has it. */
  deliveryUrl: z.string().max(512),
  destinations: z.array(SealedDestination),
  /** How many nodes in a row have died within a minute of having it, before the one that writes this. */
  failures: z.int().min(0).default(0),
  /** Who wrote it gave it up in order: no failure, however soon. */
  handedOn: z.boolean().default(false),
});
export type FleetRecord = z.infer<typeof FleetRecord>;

/** What another node needs to start a broadcast that waits for its first compositor: nobody has seen a frame of it. */
export const PendingStart = z.object({
  version: z.literal(1),
  id: BroadcastId,
  room: RoomId,
  /** Its destinations are kept beside it, sealed. */
  input: BroadcastInput,
  destinations: z.array(SealedDestination),
  /** Its place in the queue, ms since 1970 by the clock of the node that was asked. */
  queuedAt: z.number(),
});
export type PendingStart = z.infer<typeof PendingStart>;

/** The next broadcast of a room, which starts by itself (schedule/Schedules.ts). */
export const ScheduledStart = PendingStart.omit({ queuedAt: true }).extend(
  Schedule.pick({ title: true, startsAt: true, before: true, createdAt: true, state: true, reason: true }).shape,
);
export type ScheduledStart = z.infer<typeof ScheduledStart>;

/** A compositor that a broadcast wants; while it waits, and as long as it has it where tenants have limits. */
export const WishData = z.object({
  broadcast: BroadcastId,
  tenant: TenantId,
  slots: z.number().min(0),
  /** `handover`: the broadcast runs already, and is seen. */
  kind: z.enum(['start', 'handover']),
  /** Since when it waits, ms since 1970 by its owner's clock. */
  queuedAt: z.number(),
  /** Agents that will not do. */
  avoid: z.array(z.string().max(512)),
  /** The newest protocol number that its owner speaks. */
  protocol: z.int(),
  /** The agent that is kept for it (placement/queue.ts). */
  reserved: z.string().max(512).optional(),
  /** It has it. */
  placed: z.boolean().default(false),
});
export type WishData = z.infer<typeof WishData>;
const SeatedPerson = z.object({ identity: z.string(), peer: PeerId, offProgram: z.boolean().optional() });
/** What a room's next home needs of it. */
export const KeptRoom = z.object({
  /** null: as every room begins. */
  scene: z.object({ version: z.int().min(1), scene: Scene }).nullable(),
  /** In the order of their seats. */
  seated: z.array(SeatedPerson),
  /** Left out: nobody is kept out, and nobody invited. */
  door: KeptDoor.optional(),
  /** Wall clock at which the captions line is taken off the picture, ms since 1970; left out: not by itself. */
  captionsUntil: z.number().optional(),
});

/** Where a broadcast's compositor is at work (broadcast/place/Balance.ts). */
export const Berth = z.object({
  /** The agent's name. */
  agent: z.string().max(512),
  /** What it costs there, without a hot standby. */
  slots: z.number().min(0),
  /** It has not been there for long: it stays. */
  pinned: z.boolean(),
  /** It is on its way to another agent. */
  moving: z.boolean(),
});
export type Berth = z.infer<typeof Berth>;

/** Kind of entry → what it carries. */
export const ENTRY_DATA = {
  node: NodeInfo,
  /** A room's home; the id is the room's. */
  room: Home,
  /** Who controls a broadcast; the id is the broadcast's. `at`: left out while it has no compositor at work, and by nodes of before. */
  broadcast: Home.extend({ room: RoomId, at: Berth.optional() }),
  /** Who pushes to a stream; the id is streamIdentity's hash, never the stream key. */
  'stream-key': z.object({ broadcast: BroadcastId }),
  /** Which delivery node has a broadcast's playlists, live or ended; the id is the broadcast's. `epoch`: wall clock of frame 0, ms since 1970. */
  playback: Home.extend({ room: RoomId, epoch: z.number() }),
  /** Who waits for a compositor. */
  wish: WishData,
  /** Work that one node does for all; the id names it. */
  leader: Home,
  /** Stays when its owner is gone; the id is the broadcast's. */
  record: FleetRecord,
  /** Stays when its owner is gone; the id is the broadcast's. Followed by a `record` when it starts. */
  pending: PendingStart,
  /** Stays when the room has no home; the id is the room's. */
  'kept-room': KeptRoom,
  /** Stays when the room has no home; the id is the room's. */
  schedule: ScheduledStart,
} as const;

export type EntryKind = keyof typeof ENTRY_DATA;
export type EntryData<K extends EntryKind> = z.output<(typeof ENTRY_DATA)[K]>;
export const ENTRY_KINDS = Object.keys(ENTRY_DATA) as EntryKind[];

/** Those that do not expire: they are what is left of an owner. */
export const isLasting = (kind: EntryKind): boolean =>
  kind === 'record' || kind === 'pending' || kind === 'kept-room' || kind === 'schedule';

/** The program's clock as its owner had it when it renewed last. */
export const OwnerBeat = z.object({
  /** Program time, ms. */
  programMs: z.number(),
  /** How long that process has had the broadcast, ms. */
  heldMs: z.number(),
});
export type OwnerBeat = z.infer<typeof OwnerBeat>;

/** An entry as the store has it: texts. */
export interface RawEntry {
  id: string;
  /** The owner's name; empty: nobody, it was given back or has expired. */
  holder: string;
  fence: number;
  /** JSON. */
  data: string;
  /** Since the data was written, ms by the store's clock. */
  ageMs?: number;
  /** JSON; empty: none. */
  beat?: string;
  beatAgeMs?: number;
}

export interface Entry<K extends EntryKind> {
  kind: K;
  id: string;
  holder: string;
  fence: number;
  data: EntryData<K>;
  /** ms by the store's clock, so that clocks of nodes do not matter. Only where it was read, not in changes. */
  ageMs: number;
  beat: (OwnerBeat & { ageMs: number }) | null;
}

/** null: it is not what this version of the program understands. */
export function parseEntry<K extends EntryKind>(kind: K, raw: RawEntry): Entry<K> | null {
  const data = parseJson(ENTRY_DATA[kind], raw.data) as EntryData<K> | null;
  if (data === null) return null;
  const beat = raw.beat ? parseJson(OwnerBeat, raw.beat) : null;
  const { id, holder, fence, ageMs = 0, beatAgeMs = 0 } = raw;
  return { kind, id, holder, fence, data, ageMs, beat: beat && { ...beat, ageMs: beatAgeMs } };
}

function parseJson<S extends z.ZodType>(schema: S, text: string): z.output<S> | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
