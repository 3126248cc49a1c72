import { PROTOCOL } from '../contracts/ids.ts';
import type { OpenOrder } from './DeliveryLink.ts';
import { type Destination, orderOf } from './destinations.ts';
import type { Program } from './jobs.ts';

/** Pure: what delivery is told of a broadcast when it is opened, and again when the connection was lost. */
export function openOrderOf(
  { broadcast, epoch, startMs, grid, renditions }: Program,
  { room, fence, destinations }: { room: string; fence: number; destinations: Iterable<Destination> },
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
  };
}
