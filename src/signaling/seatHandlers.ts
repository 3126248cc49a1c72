/** What clients ask about seats, people and invitations; part of the table in handlers.ts (next: rooms/SeatDesk.ts, rooms/Room.ts). */
import { AppError } from '../contracts/errors.ts';
import { PREVIEW } from '../contracts/signaling.ts';
import type { HandlerTable } from './handlers.ts';
import { jpegSize } from './jpegSize.ts';

type SeatEvent = Extract<keyof HandlerTable, `seat:${string}` | `peer:${string}` | `invitation:${string}`>;

export const SEAT_HANDLERS: Pick<HandlerTable, SeatEvent> = {
  'seat:request': {
    needs: 'peer',
    handle: (room, peer) => {
      room.requestSeat(peer);
      return {};
    },
  },
  'seat:withdraw': {
    needs: 'peer',
    handle: (room, peer) => {
      room.desk.withdraw(peer);
      return {};
    },
  },
  'seat:grant': {
    needs: 'host',
    handle: (room, _peer, { peerId }) => {
      room.grantSeat(peerId);
      return {};
    },
  },
  'seat:take': {
    needs: 'host',
    handle: (room, peer, { peerId }) => {
      room.takeSeat(peer, peerId);
      return {};
    },
  },
  'seat:decline': {
    needs: 'host',
    handle: (room, _peer, { peerId, reason }) => {
      room.desk.decline(peerId, reason);
      return {};
    },
  },
  'seat:preview': {
    needs: 'peer',
    // A picture takes the sender's line for a while, and nothing waits for it.
    besides: true,
    handle: (room, peer, { picture }, { previews }) => {
      if (!previews.take()) throw new AppError('too-many');
      if (picture.byteLength > PREVIEW.maxBytes) throw new AppError('too-large');
      const size = jpegSize(picture);
      if (size?.width !== PREVIEW.width || size.height !== PREVIEW.height)
        throw new AppError('bad-request', `A JPEG of ${PREVIEW.width}x${PREVIEW.height} pixels is wanted.`);
      room.desk.preview(peer, picture);
      return {};
    },
  },
  'seat:program': {
    needs: 'host',
    handle: (room, _peer, { peerId, on }) => {
      room.desk.setOnProgram(peerId, on);
      return {};
    },
  },
  'seat:mute': {
    needs: 'host',
    handle: async (room, _peer, { peerId, source }) => {
      await room.desk.mute(peerId, source);
      return {};
    },
  },
  'peer:remove': {
    needs: 'host',
    handle: (room, _peer, { peerId, reason }) => {
      room.remove(peerId, reason);
      return {};
    },
  },
  'peer:host': {
    needs: 'host',
    handle: async (room, _peer, { peerId }, { registry }) => {
      await room.nameHost(peerId, (peer) => registry.invitations.hostToken(room.id, peer));
      return {};
    },
  },
  'invitation:create': {
    needs: 'host',
    handle: (room, _peer, input, { registry }) => registry.invitations.create(room.id, input),
  },
  'invitation:list': {
    needs: 'host',
    handle: (room, _peer, _payload, { registry }) => ({ invitations: registry.invitations.list(room.id) }),
  },
  'invitation:revoke': {
    needs: 'host',
    handle: (room, _peer, { id }, { registry }) => {
      registry.invitations.revoke(room.id, id);
      return {};
    },
  },
};
