/**
 * One table: client event → who may send it, and what it does. In: payloads that were parsed by the contract's schema.
 * Out: the answer for the ack; every error is an AppError (previous: Connection.ts, next: rooms/Room.ts).
 */
import type { types as mediasoup } from 'mediasoup';
import type { z } from 'zod';
import type { BroadcastService } from '../broadcast/BroadcastService.ts';
import { AppError } from '../contracts/errors.ts';
import type { Scene } from '../contracts/scene.ts';
import type { ClientAnswers, ClientEvent, ClientPayloads, JoinAnswer } from '../contracts/signaling.ts';
import type { JoinClaims } from '../contracts/tokens.ts';
import type { Forwarder } from '../rooms/Forwarder.ts';
import type { Peer } from '../rooms/Peer.ts';
import type { PeerLink } from '../rooms/PeerLink.ts';
import type { Room } from '../rooms/Room.ts';
import type { RoomRegistry } from '../rooms/RoomRegistry.ts';
import type { ScheduleService } from '../schedule/ScheduleService.ts';
import type { NetworkTest } from '../sfu/NetworkTest.ts';
import { NETWORK_HANDLERS } from './networkHandlers.ts';
import { SEAT_HANDLERS } from './seatHandlers.ts';
import { SHOW_HANDLERS } from './showHandlers.ts';
import type { TokenBucket } from './TokenBucket.ts';

/** One connection, as handlers see it. Room, identity and role are the token's. */
export interface Session {
  readonly claims: JoinClaims;
  readonly link: PeerLink;
  readonly registry: RoomRegistry;
  readonly broadcasts: BroadcastService;
  readonly schedules: ScheduleService;
  /** Throws AppError `bad-request` when the scene names an image or sound that there is not. */
  readonly checkScene: (scene: Scene) => void | Promise<void>;
  /** The connection is gone: nothing may be begun for it any more. */
  readonly closed: boolean;
  /** Limits its pictures. */
  readonly previews: TokenBucket;
  /** Limits its network tests. */
  readonly networkTests: TokenBucket;
  /** The last one that it began. */
  networkTest: NetworkTest | undefined;
  /** Set by `join`. */
  place: { room: Room; peer: Peer } | undefined;
}

type Payload<E extends ClientEvent> = z.output<(typeof ClientPayloads)[E]>;
type Answer<E extends ClientEvent> = ClientAnswers[E] | Promise<ClientAnswers[E]>;

type Entry<E extends ClientEvent> = {
  /** Events of one connection run one after the other, so that no two build the same thing; these do not wait in line. */
  besides?: boolean;
} & (
  | { needs: 'nothing'; handle: (session: Session, payload: Payload<E>) => Answer<E> }
  | {
      /** `peer`: has joined. `host`: has joined with a host's token. */
      needs: 'peer' | 'host';
      handle: (room: Room, peer: Peer, payload: Payload<E>, session: Session) => Answer<E>;
    }
);

const plain = <T extends object>(value: T): Record<string, unknown> => value as unknown as Record<string, unknown>;

function forwarderOf(peer: Peer): Forwarder {
  const { forwarder } = peer.media;
  if (!forwarder) throw new AppError('not-found', 'You receive nothing under this id.');
  return forwarder;
}

function joinAnswer(session: Session, room: Room, peer: Peer): JoinAnswer {
  return {
    self: room.infoOf(peer),
    peers: room.othersOf(peer),
    room: room.id,
    broadcast: session.broadcasts.status(room.id),
    schedule: session.schedules.get(room.id),
    scene: peer.role === 'audience' ? null : room.scene,
    routerRtpCapabilities: plain(room.routerRtpCapabilities),
    iceServers: [...session.registry.iceServers],
    serverTime: Date.now(),
  };
}

export type HandlerTable = { readonly [E in ClientEvent]: Entry<E> };

export const HANDLERS: HandlerTable = {
  join: {
    needs: 'nothing',
    handle: async (session, wishes) => {
      if (session.place) throw new AppError('conflict', 'You have joined already.');
      const room = await session.registry.getOrCreate(session.claims.room);
      if (session.closed) throw new AppError('conflict', 'The connection is closed.');
      const peer = room.join(session.claims, wishes, session.link);
      session.place = { room, peer };
      return joinAnswer(session, room, peer);
    },
  },
  leave: {
    needs: 'peer',
    handle: (room, peer, _, session) => {
      session.place = undefined;
      room.leave(peer);
      return {};
    },
  },
  'transport:create': {
    needs: 'peer',
    handle: async (room, peer, { direction }) => {
      const transport = await (await room.endpointOf(peer)).createTransport(direction);
      return {
        id: transport.id,
        iceParameters: plain(transport.iceParameters),
        iceCandidates: transport.iceCandidates.map(plain),
        dtlsParameters: plain(transport.dtlsParameters),
      };
    },
  },
  'transport:connect': {
    needs: 'peer',
    handle: async (room, peer, { transportId, dtlsParameters }) => {
      const endpoint = await room.endpointOf(peer);
      await endpoint.connectTransport(transportId, dtlsParameters as mediasoup.DtlsParameters);
      return {};
    },
  },
  'transport:restart-ice': {
    needs: 'peer',
    handle: async (room, peer, { transportId }) => {
      const endpoint = await room.endpointOf(peer);
      return { iceParameters: plain(await endpoint.restartIce(transportId)) };
    },
  },
  'producer:create': {
    needs: 'peer',
    handle: async (room, peer, { rtpParameters, ...rest }) => {
      const endpoint = await room.endpointOf(peer);
      const producer = await endpoint.produce({ ...rest, rtpParameters: rtpParameters as mediasoup.RtpParameters });
      return { producerId: producer.id };
    },
  },
  'producer:pause': {
    needs: 'peer',
    handle: async (room, peer, { producerId }) => {
      await (await room.endpointOf(peer)).setProducerPaused(producerId, true);
      return {};
    },
  },
  'producer:resume': {
    needs: 'peer',
    handle: async (room, peer, { producerId }) => {
      await (await room.endpointOf(peer)).setProducerPaused(producerId, false);
      return {};
    },
  },
  'producer:close': {
    needs: 'peer',
    handle: async (room, peer, { producerId }) => {
      (await room.endpointOf(peer)).closeProducer(producerId);
      return {};
    },
  },
  'consumer:start': {
    needs: 'peer',
    handle: async (room, peer, { transportId, rtpCapabilities }) => {
      const endpoint = await room.endpointOf(peer);
      endpoint.startReceiving(transportId, rtpCapabilities as mediasoup.RtpCapabilities);
      return {};
    },
  },
  'consumer:resume': {
    needs: 'peer',
    handle: async (_room, peer, { consumerId }) => {
      await forwarderOf(peer).setWanted(consumerId, true);
      return {};
    },
  },
  'consumer:pause': {
    needs: 'peer',
    handle: async (_room, peer, { consumerId }) => {
      await forwarderOf(peer).setWanted(consumerId, false);
      return {};
    },
  },
  'consumer:size': {
    needs: 'peer',
    handle: async (_room, peer, { consumerId, ...size }) => {
      await forwarderOf(peer).setSize(consumerId, size);
      return {};
    },
  },
  'program:watch': {
    needs: 'peer',
    handle: (room, peer, wish) => {
      if (!room.isSeated(peer)) throw new AppError('no-seat');
      forwarderOf(peer).program = wish;
      room.monitors.look();
      return {};
    },
  },
  ...NETWORK_HANDLERS,
  ...SEAT_HANDLERS,
  ...SHOW_HANDLERS,
  'caption:say': {
    needs: 'host',
    handle: (room, _peer, input, { registry, broadcasts }) => registry.captions.say(room.id, input, broadcasts),
  },
  'health:report': {
    needs: 'peer',
    besides: true,
    handle: (room, peer, report) => {
      if (room.isSeated(peer)) room.health.report(peer, report);
      return {};
    },
  },
  'scene:set': {
    needs: 'host',
    // Set in the order in which they came; waited for is the frame, and what only another node has of what they name.
    besides: true,
    handle: async (room, _peer, { scene, ifMatch }, { broadcasts, checkScene }) => {
      await checkScene(scene);
      const set = room.setScene(scene, ifMatch);
      return { ...set, fromFrame: await broadcasts.applyScene(room.id) };
    },
  },
};

/** Runs an event's handler after the check of who sends it. */
export async function handle<E extends ClientEvent>(
  event: E,
  session: Session,
  payload: Payload<E>,
): Promise<ClientAnswers[E]> {
  const entry: Entry<E> = HANDLERS[event];
  if (entry.needs === 'nothing') return entry.handle(session, payload);
  if (!session.place) throw new AppError('conflict', 'Join first.');
  const { room, peer } = session.place;
  if (entry.needs === 'host' && peer.role !== 'host') throw new AppError('forbidden');
  return entry.handle(room, peer, payload, session);
}
