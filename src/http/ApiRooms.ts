import type { RoomTap } from '../broadcast/RoomTap.ts';
import type { RoomSummary } from '../contracts/api.ts';
import type { BroadcastStatus } from '../contracts/broadcast.ts';
import type { Scene } from '../contracts/scene.ts';

export interface ApiRoom extends RoomTap {
  /** Throws AppError `stale-version` when `ifMatch` is not the present version. */
  setScene(scene: Scene, ifMatch: number): { version: number; scene: Scene };
}

/** What the HTTP API asks of the rooms. */
export interface ApiRooms {
  list(): ApiRoom[];
  get(id: string): ApiRoom | undefined;
  getOrCreate(id: string): Promise<ApiRoom>;
  close(id: string): Promise<void>;
  summary(room: ApiRoom, broadcast: BroadcastStatus | null): RoomSummary;
}
