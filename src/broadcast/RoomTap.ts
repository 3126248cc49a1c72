import type { types as mediasoup } from 'mediasoup';
import type { PeerId, RoomId, SourceId, SourceKind } from '../contracts/ids.ts';
import type { VersionedScene } from '../contracts/scene.ts';

/** What the controller needs of a room. `rooms/Room.ts` is one. */
export interface RoomTap {
  readonly id: RoomId;
  /** The router that the room's producers are on; another one after `router-replaced`. */
  readonly router: mediasoup.Router;
  readonly scene: VersionedScene;
  /** Who in the room looks at the program itself; left out: nobody ever does. */
  readonly monitors?: ProgramMonitors;
  /** People with a seat who are in the program, in the order in which they took it. */
  people(): { id: PeerId; name: string }[];
  /** What they publish. */
  sources(): TapSource[];
  /** Anything above changed. Not rate limited. */
  on(event: 'changed', listener: () => void): unknown;
  /** Who spoke in the last interval (LEVELS_INTERVAL_MS), loudest first; empty once when nobody does any more. */
  on(event: 'levels', listener: (levels: SpeakerLevel[]) => void): unknown;
  /** The mediasoup worker died; the room has a new, empty router. */
  on(event: 'router-replaced', listener: () => void): unknown;
  /** The room is gone. */
  on(event: 'closed', listener: () => void): unknown;
  off(event: 'changed', listener: () => void): unknown;
  off(event: 'levels', listener: (levels: SpeakerLevel[]) => void): unknown;
  off(event: 'router-replaced', listener: () => void): unknown;
  off(event: 'closed', listener: () => void): unknown;
}

/** One who speaks. */
export interface SpeakerLevel {
  peer: PeerId;
  /** Average, dBov: −127 to 0. */
  dbov: number;
}

export interface TapSource {
  id: SourceId;
  peer: PeerId;
  kind: SourceKind;
  /** As `JobSource.since`. */
  since?: number;
  producer: mediasoup.Producer;
  paused: boolean;
}

/** Who wants the program back in the room, and who hands it on to them. `rooms/Monitors.ts` is one. */
export interface ProgramMonitors {
  readonly wish: ProgramWish;
  /** A stream of the program, until its producer closes. `listener` null: pictures, for all; else sound without what this person sends. */
  add(producer: mediasoup.Producer, listener: PeerId | null): void;
  /** The wish is another one. */
  on(event: 'changed', listener: () => void): unknown;
  off(event: 'changed', listener: () => void): unknown;
}

export interface ProgramWish {
  /** Somebody looks at it. */
  video: boolean;
  /** Who hears it. */
  listeners: PeerId[];
}
