/** What delivery keeps of a broadcast on disk, and what comes back from there. Pure. */
import { z } from 'zod';
import type { CaptionLine } from '../../contracts/captions.ts';
import { DeliveryOrder, DestinationOrder } from '../../contracts/deliveryControl.ts';
import { type Grid, partsPerSegment, segmentSeconds } from '../../contracts/grid.ts';
import { CompositorId, Fence, type RenditionId, SegmentNumber } from '../../contracts/ids.ts';
import type { OpenOrder } from '../DeliveryBroadcast.ts';
import type { Take } from '../TakeLedger.ts';

/** A position reaches the disk at least so often, ms. */
export const POSITION_SYNC_MS = 2_000;

const Open = DeliveryOrder.options[0];

/** A destination as it lies on the disk: its URL holds the stream key, and is sealed (common/SecretBox.ts). */
export const KeptDestination = DestinationOrder.omit({ url: true }).extend({ sealedUrl: z.string() });
export type KeptDestination = z.infer<typeof KeptDestination>;

export const KeptBroadcast = z.object({
  version: z.literal(1),
  order: Open.omit({ destinations: true }),
  destinations: z.array(KeptDestination),
  takes: z.array(z.object({ from: SegmentNumber, compositor: CompositorId, fence: Fence })),
  /** Somebody had ordered its end. */
  ending: z.boolean(),
});
export type KeptBroadcast = z.infer<typeof KeptBroadcast>;

/** How far the program is: written at each part. */
export const KeptPosition = z.object({
  /** The first segment that was ever visible. */
  first: SegmentNumber,
  /** The first position (segment × parts a segment + part) that was not visible yet. */
  next: z.int().min(0),
});
export type KeptPosition = z.infer<typeof KeptPosition>;

/** A broadcast as it was when its process died. */
export interface FoundBroadcast {
  order: OpenOrder;
  takes: Take[];
  /** undefined: nothing had been visible. */
  position: KeptPosition | undefined;
  inits: Map<RenditionId, Buffer>;
  slates: Map<RenditionId, Buffer>;
  captions: CaptionLine[];
  ending: boolean;
  /** How long ago its process wrote last, ms. */
  silentMs: number;
}

/**
 * A machine that lost its power may have forgotten the newest positions: as much is skipped. It was away for longer, so
 * those segments are lost in any case.
 */
export function afterReboot(
  { first, next }: KeptPosition,
  { silentMs, upMs, grid }: { silentMs: number; upMs: number; grid: Grid },
): KeptPosition {
  if (upMs > silentMs) return { first, next };
  const forgotten = 1 + Math.ceil(POSITION_SYNC_MS / (segmentSeconds(grid) * 1000));
  return { first, next: next + forgotten * partsPerSegment(grid) };
}
