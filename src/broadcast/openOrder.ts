import { PROTOCOL } from '../contracts/ids.ts';
import type { PlaybackAccess } from '../contracts/playback.ts';
import type { OpenOrder } from './DeliveryLink.ts';
import { type Destination, orderOf } from './destinations.ts';
import type { Program } from './jobs.ts';

/** Pure: what delivery is told of a broadcast at each connection. */
export function openOrder(
  { broadcast, epoch, startMs, grid, renditions }: Program,
  {
    room,
    destinations,
    fence,
    playback,
  }: { room: string; destinations: Iterable<Destination>; fence: number; playback: PlaybackAccess },
): OpenOrder {
  return {
    type: 'open',
    protocol: PROTOCOL,
    broadcast,
    room,
    epoch,
    startMs,
    grid,
    renditions,
    destinations: [...destinations].map(orderOf),
    fence,
    dvrSeconds: 0,
    record: false,
    playback,
  };
}
