import type { Logger } from '../common/logger.ts';
import type { VideoCodec } from '../contracts/job.ts';
import type { BroadcastOptions } from './BroadcastOptions.ts';
import type { DeliveryLink } from './DeliveryLink.ts';
import type { Program } from './jobs.ts';
import type { RunUsage } from './meterRun.ts';
import type { BroadcastPlace } from './place/BroadcastPlace.ts';
import type { RoomTap } from './RoomTap.ts';
import type { Speakers } from './Speakers.ts';
import type { StatusBoard } from './StatusBoard.ts';

/** What a CompositorKeeper is made with. */
export interface KeeperOptions {
  broadcast: string;
  room: RoomTap;
  node: BroadcastOptions;
  board: StatusBoard;
  speakers: Speakers;
  /** Among all that want a compositor. */
  place: BroadcastPlace;
  logger: Logger;
  /** Where what the compositors use is counted. */
  usage: RunUsage | undefined;
  /** A second compositor stands by. */
  standby: boolean;
  /** The highest that was given out, by whatever process. */
  fence: number;
  /** Another process had the broadcast: it does not begin with segment 0. */
  resumed: boolean;
  /** What was chosen when the first compositor was bound; undefined before. */
  program: () => Program | undefined;
  /** Chooses the program and opens delivery, the first time. */
  prepare: () => Promise<{ program: Program; delivery: DeliveryLink }>;
  /** With what a compositor encodes. */
  onEncoder: (codec: VideoCodec) => void;
  /** There is a new fence. */
  onFence: () => void;
  /** The compositor that another process's controller had was at work all the time, and is up to here, program time, ms. */
  onFormer: (untilMs: number) => void;
}
