import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { Secret } from '../common/Secret.ts';
import type { UsageSink } from './DeliveryUsage.ts';
import type { DestinationPolicy } from './destinationPolicy.ts';
import type { BackoffOptions } from './destinations/Backoff.ts';
import type { EdgeOptions } from './edge/Edge.ts';
import type { OwnerOf } from './edge/OwnerOf.ts';
import type { PlayPass } from './http/PlayGate.ts';
import type { DeliveryMetrics } from './metrics.ts';
import type { Recordings } from './recording/Recordings.ts';

export interface DeliveryOptions {
  /** Gets the token of the Authorization header; throws AppError unless it is a `service` token. */
  verifyService: (token: string | undefined) => Promise<void>;
  /** Throws AppError unless it is a `play` token. */
  verifyPlay: (token: string) => Promise<PlayPass>;
  /** How to serve broadcasts that another delivery node owns; undefined: this one owns all. Without an `ownerOf` that is said by `join`. */
  edge?: (Pick<EdgeOptions, 'node' | 'newServiceToken' | 'maxBytes'> & { ownerOf?: OwnerOf | undefined }) | undefined;
  ffmpegPath: string;
  /** For files with secrets, mode 0600, and for what survives a crash. */
  dataDir: string;
  /** Time shift and recordings; closed by this. Without them every broadcast is live only. */
  recordings?: Recordings;
  /** LIANMAI_SECRET: seals what is secret on disk. Without, a key file in `dataDir` does. */
  secrets?: readonly Secret[];
  /** A broadcast whose process died longer ago than this is ended and not gone on with, ms. */
  resumeLimitMs?: number;
  destinationPolicy: DestinationPolicy;
  /** Who is told what is used; left out: nobody. */
  usage?: UsageSink | undefined;
  /** `load` or `draining` has changed. */
  onLoad?: () => void;
  clock: Clock;
  logger: Logger;
  metrics: DeliveryMetrics;
  /** When destinations that were lost are tried again; tests shorten it. */
  reconnect?: BackoffOptions;
  /** How long a broadcast waits for its controller to come back, and stays after its end; tests shorten them, ms. */
  reclaimMs?: number;
  afterlifeMs?: number;
}
