import type { RoomTap } from '../broadcast/RoomTap.ts';
import type { RoomSummary } from '../contracts/api.ts';
import type { BroadcastStatus } from '../contracts/broadcast.ts';
import type { RoomHealth } from '../contracts/health.ts';
import type { RoomId } from '../contracts/ids.ts';
import type { Scene, VersionedScene } from '../contracts/scene.ts';
import type { CaptionDesk } from '../rooms/CaptionDesk.ts';
import type { ApiInvitations } from './invitationRoutes.ts';

/** What the HTTP API asks of the rooms. */
export interface ApiRooms {
  list(): RoomTap[];
  get(id: string): RoomTap | undefined;
  getOrCreate(id: string): Promise<RoomTap>;
  /** Its scene is forgotten too. */
  close(id: string): Promise<void>;
  /** Of any room, open or not. */
  scene(id: RoomId): VersionedScene;
  /** Throws AppError `stale-version` when `ifMatch` is not the present version. */
  setScene(id: RoomId, scene: Scene, ifMatch: number): VersionedScene;
  /** Every scene that is not the default, with its room. */
  scenes(): [RoomId, VersionedScene][];
  readonly invitations: ApiInvitations;
  readonly captions: Pick<CaptionDesk, 'say'>;
  /** How it fares; of a room that is open. */
  health(room: RoomTap): RoomHealth;
  summary(room: RoomTap, broadcast: BroadcastStatus | null): RoomSummary;
}
