import type { LeaveReason } from '../contracts/signaling.ts';
import type { WebhookData } from '../contracts/webhooks.ts';

type OfRoom =
  | 'room.closed'
  | 'peer.joined'
  | 'peer.left'
  | `seat.${'requested' | 'withdrawn' | 'declined' | 'granted' | 'taken' | 'left'}`;

/** Something that happened in a room, as it is told to the user's own server: an event's type and its data. */
export type RoomHappening = { [T in OfRoom]: [type: T, data: WebhookData<T>] }[OfRoom];

export type SeatHow = WebhookData<'seat.granted'>['how'];

export const closeReasonOf = (reason: LeaveReason): WebhookData<'room.closed'>['reason'] =>
  reason === 'shutting-down' ? reason : 'room-closed';
