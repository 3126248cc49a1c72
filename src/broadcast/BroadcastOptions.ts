import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { VideoCodec } from '../contracts/job.ts';
import type { Directory } from '../directory/Directory.ts';
import type { DestinationEvent } from './DestinationBook.ts';
import type { CheckDestination } from './destinations.ts';
import type { HandoffPace } from './HandoffPace.ts';
import type { KeyClaims } from './KeyClaims.ts';
import type { UsageSink } from './meterRun.ts';
import type { BroadcastMetrics } from './metrics.ts';
import type { Balance } from './place/Balance.ts';
import type { Places } from './place/Places.ts';
import type { RecordFiles } from './record/RecordFiles.ts';
import type { OnStatus } from './StatusBoard.ts';

/** What a broadcast is given by the node that is its room's home. */
export interface BroadcastOptions {
  directory: Directory;
  /** Where all broadcasts of the node get their compositors. */
  places: Places;
  /** Moves broadcasts to where there is more room; left out: they stay. */
  balance?: Balance | undefined;
  /** So long a broadcast that is seen waits for a compositor, under a slate, ms. */
  recoveryMs: number;
  newServiceToken: () => Promise<string>;
  /** The address that media is sent from. */
  mediaIp: string;
  encoderThreads: number;
  /** Where compositors get images and sounds, without a slash at the end; null: there are none. */
  assetsUrl: string | null;
  videoEncoder: VideoCodec;
  destinationPolicy: CheckDestination;
  /** The stream keys of all broadcasts of the node. */
  streamKeys: KeyClaims;
  /** Of all broadcasts of the node. */
  handoffs: HandoffPace;
  /** Where broadcasts are kept for another process, should this one be killed; left out: nowhere. */
  records?: RecordFiles | undefined;
  /** The room is at home on this node; left out: every room is. */
  isHome?: ((room: string) => boolean) | undefined;
  clock: Clock;
  /** ms since 1970; for the epoch's label only. */
  wallClock: () => number;
  logger: Logger;
  metrics: BroadcastMetrics;
  onStatus: OnStatus;
  /** Who is told what is used. */
  usage?: UsageSink | undefined;
  /** A destination has come into another state; of each exactly one `stopped` at the end. */
  onDestination?: (event: DestinationEvent) => void;
}
