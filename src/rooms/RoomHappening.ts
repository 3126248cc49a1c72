import type { WebhookData } from '../contracts/webhooks.ts';
import type { CloseReason } from './PeerLink.ts';

type OfRoom =
  | 'room.closed'
  | 'peer.joined'
  | 'peer.left'
  | `seat.${'requested' | 'withdrawn' | 'declined' | 'granted' | 'taken' | 'left'}`;

/** Something that happened in a room, as it is told to the user's own server: an event's type and its data. */
export type RoomHappening = { [T in OfRoom]: [type: T, data: WebhookData<T>] }[OfRoom];

export type SeatHow = WebhookData<'seat.granted'>['how'];

/** Who moves leaves a node that stops, or that has lost the room to another one. */
export const closeReasonOf = (reason: CloseReason): WebhookData<'room.closed'>['reason'] =>
  reason === 'shutting-down' || reason === 'moved' ? 'shutting-down' : 'room-closed';
