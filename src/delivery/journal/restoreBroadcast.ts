import { partsPerSegment } from '../../contracts/grid.ts';
import type { CompositorId, RenditionId } from '../../contracts/ids.ts';
import type { BroadcastArchive } from '../archive/BroadcastArchive.ts';
import type { ScannedArchive } from '../archive/scanArchive.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import type { FoundBroadcast } from './KeptBroadcast.ts';

/**
 * Brings a broadcast that was made anew from its open order to where its killed process had it: compositors may put again, playlists
 * go on at the same number. What was in memory only is a gap. `filling`: what an archive has of the segment that was being filled. Time is
 * not known before the controller is back, so nothing is judged.
 */
export function restoreBroadcast(broadcast: DeliveryBroadcast, found: FoundBroadcast, filling?: Filling): void {
  const by = { compositor: '', fence: broadcast.fence };
  for (const [put, blobs] of [
    ['putInit', found.inits],
    ['putSlate', found.slates],
  ] as const) {
    for (const [rendition, bytes] of blobs) {
      try {
        broadcast[put](rendition, bytes, by);
      } catch (error) {
        // Cut off by a power failure: the compositor puts it again.
        broadcast.logger.warn({ err: error, rendition }, 'an init segment or slate on disk is broken');
      }
    }
  }
  broadcast.captions.restore(found.captions);
  for (const take of found.takes) broadcast.taken(take);
  if (found.position) broadcast.store.resume(found.position.first, found.position.next, { filling });
}

interface Filling {
  compositor: CompositorId;
  parts: Map<RenditionId, Buffer[]>;
}

/** The parts of the segment that was being filled: all that viewers were told of, or undefined. */
export async function partsOfHead(
  { order, position, takes }: FoundBroadcast,
  { archive, scan }: { archive: BroadcastArchive; scan: ScannedArchive },
): Promise<Filling | undefined> {
  if (!position) return undefined;
  const head = Math.floor(position.next / partsPerSegment(order.grid));
  const visible = position.next % partsPerSegment(order.grid);
  const owner = takes.findLast((take) => take.from <= head);
  if (!owner || visible === 0 || scan.partial.get(head) !== visible) return undefined;
  const parts = new Map<RenditionId, Buffer[]>();
  for (const { id } of order.renditions) parts.set(id, await archive.partialSegment(id, head));
  return { compositor: owner.compositor, parts };
}
