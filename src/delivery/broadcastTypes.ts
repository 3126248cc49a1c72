/** What a DeliveryBroadcast is made with, and what it tells. */
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { DeliveryOrder, DeliveryReport } from '../contracts/deliveryControl.ts';
import type { CompositorId, Fence, RenditionId } from '../contracts/ids.ts';
import type { DestinationOptions } from './destinations/Destination.ts';
import type { StoredInit } from './InitSegments.ts';
import type { DeliveryMetrics } from './metrics.ts';

export type OpenOrder = Extract<DeliveryOrder, { type: 'open' }>;

export interface DeliveryBroadcastOptions {
  order: OpenOrder;
  /** What its destinations are made with. */
  push: Pick<DestinationOptions, 'policy' | 'ffmpegPath' | 'presets' | 'keys' | 'reconnect'>;
  clock: Clock;
  logger: Logger;
  metrics: DeliveryMetrics;
}

/** Who puts something: the headers of a PUT. */
export interface Putter {
  compositor: CompositorId;
  fence: Fence;
}

export interface BroadcastEvents {
  report: [report: DeliveryReport];
  /** The rendition has its init segment. */
  init: [rendition: RenditionId, init: StoredInit];
  /** The rendition has a slate, or another one. */
  slate: [rendition: RenditionId, bytes: Buffer];
  /** Playlists have EXT-X-ENDLIST, destinations are gone. */
  ended: [];
}
