import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import type { FoundBroadcast } from './KeptBroadcast.ts';

/**
 * Brings a broadcast that was made anew from its open order to where its killed process had it: compositors may put again, playlists
 * go on at the same number. What was in memory only is a gap. Time is not known before the controller is back, so nothing is judged.
 */
export function restoreBroadcast(broadcast: DeliveryBroadcast, found: FoundBroadcast): void {
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
  for (const { from, compositor, fence } of found.takes) broadcast.take(from, compositor, fence);
  if (found.position) broadcast.store.resume(found.position.first, found.position.next);
}
