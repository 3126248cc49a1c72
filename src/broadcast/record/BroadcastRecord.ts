/** What the controller keeps of a broadcast, on disk and in the directory, so that another process can go on with it. Pure. */
import { z } from 'zod';
import { Secret } from '../../common/Secret.ts';
import type { SecretBox } from '../../common/SecretBox.ts';
import type { BroadcastInput } from '../../contracts/broadcast.ts';
import { ReconnectSeconds } from '../../contracts/deliveryControl.ts';
import { DestinationId } from '../../contracts/ids.ts';
import { RecordedProgram } from '../../contracts/recordedProgram.ts';
import type { VersionedScene } from '../../contracts/scene.ts';
import { type FleetRecord, PendingStart } from '../../directory/entries.ts';
import { type Destination, newStatus } from '../destinations.ts';
import type { Program } from '../jobs.ts';

/** What holds the stream key, before it is sealed (common/SecretBox.ts). */
const SealedDestination = z.object({ url: z.string(), identity: z.string(), reconnectSeconds: ReconnectSeconds });
const KeptDestination = z.object({ id: DestinationId, name: z.string(), target: z.string(), sealed: z.string() });

export const BroadcastRecord = RecordedProgram.extend({
  destinations: z.array(KeptDestination),
  /** How many processes in a row have died within a minute of having it, before the one that writes this. */
  failures: z.int().min(0),
  /** Who wrote it gave it up in order: no failure, however soon. */
  handedOn: z.boolean().default(false),
  /** The fence of the entry `broadcast` in the directory. */
  lease: z.int().min(0).default(0),
});
export type BroadcastRecord = z.infer<typeof BroadcastRecord>;

/** Of a broadcast that waits for its first compositor. */
export const PendingRecord = PendingStart.extend({ lease: BroadcastRecord.shape.lease });
export type PendingRecord = z.infer<typeof PendingRecord>;

/** The program's clock, written down each second: what a successor reckons its own from. */
export const Beat = z.object({
  /** Program time, ms. */
  programMs: z.number(),
  /** Wall clock at that moment, ms since 1970. */
  at: z.number(),
  /** How long this process has had the broadcast, ms. */
  heldMs: z.number(),
});
export type Beat = z.infer<typeof Beat>;

/** A broadcast whose process died, as it goes on. */
export interface FoundRecord {
  record: BroadcastRecord;
  beat: Beat | undefined;
}

/** One that only waited. */
export interface FoundPending {
  pending: PendingRecord;
  beat: Beat | undefined;
}

export interface RecordedState {
  id: string;
  room: string;
  input: BroadcastInput;
  program: Program;
  fence: number;
  destinations: readonly Destination[];
  failures: number;
  handedOn: boolean;
  lease: number;
}

export function recordOf(state: RecordedState, box: SecretBox): BroadcastRecord {
  const { id, room, input, program, fence, destinations, failures, handedOn, lease } = state;
  const { epoch, grid, encoder, renditions } = program;
  return {
    version: 1,
    id,
    room,
    input: { ...input, destinations: [] },
    epoch,
    grid,
    encoder,
    renditions,
    fence,
    destinations: destinations.map((destination) => sealed(destination, box)),
    failures,
    handedOn,
    lease,
  };
}

function sealed({ url, identity, reconnectSeconds, status: { id, name, target } }: Destination, box: SecretBox) {
  return { id, name, target, sealed: box.seal(JSON.stringify({ url: url.reveal(), identity, reconnectSeconds })) };
}

const forFleet = (destination: Destination, box: SecretBox) => ({
  ...sealed(destination, box),
  reconnectSeconds: destination.reconnectSeconds,
});

/** As the directory has it. */
export function fleetRecordOf(state: RecordedState, scene: VersionedScene, box: SecretBox): FleetRecord {
  const { lease: _, ...record } = recordOf({ ...state, destinations: [] }, box);
  const { deliveryUrl } = state.program;
  return { ...record, scene, deliveryUrl, destinations: state.destinations.map((each) => forFleet(each, box)) };
}

export type PendingState = Pick<RecordedState, 'id' | 'room' | 'input' | 'destinations'> & { queuedAt: number };

export function pendingOf({ id, room, input, destinations, queuedAt }: PendingState, box: SecretBox): PendingStart {
  const kept = destinations.map((destination) => forFleet(destination, box));
  return { version: 1, id, room, input: { ...input, destinations: [] }, destinations: kept, queuedAt };
}

/** Those that can be opened, and the ids of those that can not. */
export function destinationsOf(
  { destinations }: Pick<BroadcastRecord, 'destinations'>,
  box: SecretBox,
): { known: Destination[]; lost: string[] } {
  const known: Destination[] = [];
  const lost: string[] = [];
  for (const { id, name, target, sealed } of destinations) {
    try {
      const { url, ...rest } = SealedDestination.parse(JSON.parse(box.open(sealed)));
      known.push({ url: new Secret(url), ...rest, status: newStatus({ id, name, target }) });
    } catch {
      lost.push(id);
    }
  }
  return { known, lost };
}

/**
 * Program time now, ms. Timestamps: the monotonic clock begins anew with each process or machine, so what passed since the last beat is
 * taken from the wall clock; a wall clock that was set back meanwhile lets no time pass. Without a beat the epoch stands for one.
 */
export function programMsOf({ record, beat }: FoundRecord, wallMs: number): number {
  const { programMs, at } = beat ?? { programMs: 0, at: record.epoch };
  return programMs + Math.max(0, wallMs - at);
}
