import type { BroadcastInput } from '../contracts/broadcast.ts';
import { PROTOCOL } from '../contracts/ids.ts';
import type { OpenOrder } from './DeliveryLink.ts';
import { type Destination, orderOf } from './destinations.ts';
import type { Program } from './jobs.ts';

/** Pure: what delivery is told of a broadcast at each connection. */
export function openOrder(
  { broadcast, epoch, startMs, grid, renditions }: Program,
  {
    room,
    input: { dvrSeconds, record, transcode, playback, captions, tenant },
    destinations,
    fence,
    movedFrom,
  }: {
    room: string;
    input: BroadcastInput;
    destinations: Iterable<Destination>;
    fence: number;
    movedFrom: OpenOrder['movedFrom'];
  },
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
    dvrSeconds,
    record,
    transcode,
    playback,
    captions,
    tenant,
    movedFrom,
  };
}
