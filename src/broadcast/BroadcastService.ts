import type { BroadcastInput, BroadcastStatus, DestinationInput } from '../contracts/broadcast.ts';
import type { CaptionAnswer, CaptionInput } from '../contracts/captions.ts';
import type { DestinationStatus } from '../contracts/deliveryControl.ts';
import type { RoomTap } from './RoomTap.ts';

/** What signalling and the HTTP API ask of the broadcasts. `Broadcasts.ts` is one. Every method throws AppError. */
export interface BroadcastService {
  /** Idempotent: a room that is live answers its running broadcast, whatever the input. Resolves when it is `live`, when it waits (`pending`), or has failed. */
  start(room: RoomTap, input: BroadcastInput): Promise<BroadcastStatus>;
  /** Resolves when playlists are closed and destinations are gone. `no-broadcast` when the room is not live. */
  stop(room: string, reason: 'stopped' | 'room-closed' | 'shutdown'): Promise<BroadcastStatus>;
  /** The running broadcast, or the newest ended one; null when there was none. */
  status(room: string): BroadcastStatus | null;
  /** Resolves when the room's broadcast runs here, or none is on its way here from another node; `wrong-node` when that takes too long. The methods below wait for it themselves. */
  settled(room: string): Promise<void>;
  /**
   * Gives the broadcast to a compositor of another agent, without a frame lost; resolves when it has it. `no-capacity` when there is none
   * elsewhere, `conflict` when it came to nothing: then the broadcast is where it was, unless it was lost meanwhile.
   */
  handOver(room: string): Promise<BroadcastStatus>;
  /** Begins a recording of the live broadcast, or ends it; idempotent. `no-broadcast`, and `conflict` while it is not live. */
  record(room: string, on: boolean): Promise<BroadcastStatus>;
  addDestination(room: string, input: DestinationInput): Promise<DestinationStatus>;
  removeDestination(room: string, id: string): Promise<void>;
  /** A line of captions for viewers. `no-broadcast`, `conflict` when the broadcast has none in that language, `bad-request` for a time that can not be meant. */
  caption(room: string, input: CaptionInput): CaptionAnswer;
  /**
   * Sends the room's present scene as a new job at once; the frame from which it holds. null when the room is not live, or its
   * compositor is just being replaced and takes long: the next one begins with the scene.
   */
  applyScene(room: string): Promise<number | null>;
}
