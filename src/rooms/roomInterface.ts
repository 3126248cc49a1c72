/** What a room is made from, and what it tells. */
import type { SpeakerLevel } from '../broadcast/RoomTap.ts';
import type { Logger } from '../common/logger.ts';
import type { RoomId } from '../contracts/ids.ts';
import type { RoomLimits } from './limits.ts';
import type { RoomMetrics } from './metrics.ts';
import type { RoomDoor } from './RoomDoor.ts';
import type { RoomHappening } from './RoomHappening.ts';
import type { RouterSource } from './RoomRouter.ts';
import type { SceneStore } from './SceneStore.ts';
import type { SeatMemory } from './SeatMemory.ts';

export interface RoomOptions {
  id: RoomId;
  routers: RouterSource;
  /** Keeps this room's scene, longer than the room is open. */
  scenes: SceneStore;
  /** Who sat here when another process died. */
  seatMemory?: SeatMemory;
  /** Whom the room lets in; left out: whoever has a token. */
  door?: RoomDoor;
  limits: RoomLimits;
  logger: Logger;
  metrics: RoomMetrics;
}

export interface RoomEvents {
  changed: [];
  'router-replaced': [];
  levels: [levels: SpeakerLevel[]];
  /** Somebody came, or the last one left. */
  occupancy: [];
  /** What others may want to know, in order; the last is `room.closed`. */
  happened: RoomHappening;
  closed: [];
}
