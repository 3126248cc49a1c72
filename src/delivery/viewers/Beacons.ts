/**
 * Takes what viewers' pages say of how they watch (contracts/beacon.ts). In: beacons that were parsed and let in. Out: the viewer
 * count (Viewers.ts), how they fare (Watching.ts) and metrics. A page can say what it likes: each says little, and not often.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../common/clock.ts';
import type { Beacon } from '../../contracts/beacon.ts';
import { AppError } from '../../contracts/errors.ts';
import { TokenBucket } from '../../signaling/TokenBucket.ts';
import type { Viewers } from '../Viewers.ts';
import type { ViewerMetrics } from './metrics.ts';

/** One address: a network with hundreds of viewers behind it, who come all at once. */
const PER_ADDRESS = { perSecond: 20, burst: 200 };
/** Addresses that are remembered; who is forgotten has a full bucket again. */
const MAX_ADDRESSES = 20_000;

export interface BeaconsOptions {
  viewers: Viewers;
  metrics: ViewerMetrics;
  clock: Clock;
}

export class Beacons {
  readonly #options: BeaconsOptions;
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MAX_ADDRESSES });

  constructor(options: BeaconsOptions) {
    this.#options = options;
  }

  /** Throws `not-found` for a broadcast that nobody plays from here, and `too-many`. */
  take(broadcast: string, from: { ip: string; agent: string }, beacon: Beacon): void {
    const { viewers, metrics } = this.#options;
    const result = this.#bucketOf(from.ip).take() ? viewers.beacon(broadcast, from, beacon) : 'too-many';
    metrics.beacons.inc({ result: result === 'counted' ? 'counted' : 'refused' });
    if (result === 'unknown') throw new AppError('not-found');
    if (result === 'too-many') throw new AppError('too-many');
    viewers.watching.heard(broadcast, beacon);
    this.#measure(beacon);
  }

  #bucketOf(ip: string): TokenBucket {
    let bucket = this.#buckets.get(ip);
    if (!bucket) {
      bucket = new TokenBucket({ ...PER_ADDRESS, clock: this.#options.clock });
      this.#buckets.set(ip, bucket);
    }
    return bucket;
  }

  #measure({ watchedMs, stalls, stalledMs, latencyMs, firstFrameMs }: Beacon): void {
    const { metrics } = this.#options;
    if (latencyMs !== null) metrics.latencySeconds.observe(latencyMs / 1000);
    if (firstFrameMs !== null) metrics.firstFrameSeconds.observe(firstFrameMs / 1000);
    if (stalls > 0) metrics.stalls.inc(stalls);
    if (watchedMs > 0) metrics.stalledRatio.observe(Math.min(1, stalledMs / watchedMs));
  }
}
