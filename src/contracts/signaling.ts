/**
 * Interface 1, Signalling: socket.io (WebSocket transport only), path `/socket.io`, `auth: {token, protocol}` with a `join`
 * token. Room, identity and role come from the token; what the client claims counts for nothing.
 * Each client event has an ack `Ack<T>`. Every payload is parsed by the schemas below before it is used.
 *
 * The way of a client: connect → `join` → (Device.load) → `transport:create` send and recv → `transport:connect` when
 * mediasoup-client asks → `producer:create` … and `consumer:start` once; from then on the server announces each consumer by
 * `consumer:new`, paused; the client answers the ack, builds it, and sends `consumer:resume`.
 * After `media:reset` (a mediasoup worker died, or the same peer joined anew) it builds its transports and producers again.
 */
import { z } from 'zod';
import { BroadcastInput, type BroadcastStatus, DestinationId, DestinationInput } from './broadcast.ts';
import { type CaptionAnswer, CaptionInput } from './captions.ts';
import type { DestinationStatus } from './deliveryControl.ts';
import type { ErrorCode } from './errors.ts';
import { HealthReport, type RoomHealth } from './health.ts';
import { DisplayName, InvitationId, PeerId, SourceKind } from './ids.ts';
import { type Invitation, type InvitationAnswer, InvitationInput } from './invitations.ts';
import type { ProgramSource } from './programReturn.ts';
import { Scene, type VersionedScene } from './scene.ts';
import { type Schedule, ScheduleInput } from './schedule.ts';
import type { Role } from './tokens.ts';

export type Ack<T> = { ok: true; data: T } | { ok: false; error: { code: ErrorCode; message: string } };
type AckFn<T> = (answer: Ack<T>) => void;

/** Longest sentence of a host to somebody, characters. */
export const REASON_LENGTH = 200;
const Reason = z.string().trim().max(REASON_LENGTH);
/** What a picture of somebody who asks may have, bytes, and its size in pixels. */
export const PREVIEW = { maxBytes: 40_000, width: 320, height: 180 } as const;

/** By which way a page tests whether it reaches the media server; `relay`: by a TURN server. */
export const NETWORK_WAYS = ['udp', 'tcp', 'relay'] as const;
export type NetworkWay = (typeof NETWORK_WAYS)[number];

const MediasoupId = z.string().min(1).max(64);

/** Only the shape that mediasoup itself does not check well enough; the rest is mediasoup's to judge. */
export const DtlsParameters = z.object({
  role: z.enum(['auto', 'client', 'server']).optional(),
  fingerprints: z
    .array(
      z.object({
        algorithm: z.enum(['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512']),
        value: z.string().regex(/^([0-9A-Fa-f]{2}:){19,63}[0-9A-Fa-f]{2}$/),
      }),
    )
    .min(1)
    .max(8),
});

const SctpStreamParameters = z.object({
  streamId: z.int().min(0).max(65_534),
  ordered: z.boolean().optional(),
  maxPacketLifeTime: z.int().min(0).max(65_535).optional(),
  maxRetransmits: z.int().min(0).max(65_535).optional(),
});

const uint32 = z.int().min(0).max(0xffffffff);
const RtcpFeedback = z.object({ type: z.string().max(32), parameter: z.string().max(32).optional() });
const Fmtp = z.record(z.string().max(64), z.union([z.string().max(256), z.number(), z.boolean(), z.null()]));
const HeaderExtension = z.object({
  uri: z.string().max(256),
  id: z.int().min(1).max(255),
  encrypt: z.boolean().optional(),
  parameters: Fmtp.optional(),
});
const Codec = z.object({
  mimeType: z.string().regex(/^(audio|video)\/[A-Za-z0-9-]{1,32}$/),
  payloadType: z.int().min(0).max(127),
  clockRate: z.int().min(1).max(192_000),
  channels: z.int().min(1).max(8).optional(),
  parameters: Fmtp.optional(),
  rtcpFeedback: z.array(RtcpFeedback).max(16).optional(),
});
const Encoding = z.object({
  ssrc: uint32.optional(),
  rid: z.string().max(16).optional(),
  codecPayloadType: z.int().min(0).max(127).optional(),
  rtx: z.object({ ssrc: uint32 }).optional(),
  dtx: z.boolean().optional(),
  active: z.boolean().optional(),
  scalabilityMode: z
    .string()
    .regex(/^[LS][1-3]T[1-3](h|_KEY|_KEY_SHIFT)?$/)
    .optional(),
  scaleResolutionDownBy: z.number().min(1).max(64).optional(),
  maxBitrate: z.int().min(0).max(100_000_000).optional(),
  maxFramerate: z.number().min(0).max(240).optional(),
  adaptivePtime: z.boolean().optional(),
  priority: z.string().max(16).optional(),
  networkPriority: z.string().max(16).optional(),
});
export const RtpParameters = z.object({
  mid: z.string().max(32).optional(),
  msid: z.string().max(256).optional(),
  codecs: z.array(Codec).min(1).max(8),
  headerExtensions: z.array(HeaderExtension).max(32).optional(),
  encodings: z.array(Encoding).min(1).max(6),
  rtcp: z
    .object({ cname: z.string().max(256).optional(), reducedSize: z.boolean().optional(), mux: z.boolean().optional() })
    .optional(),
});
export const RtpCapabilities = z.object({
  codecs: z
    .array(
      Codec.omit({ payloadType: true }).extend({
        kind: z.enum(['audio', 'video']),
        preferredPayloadType: z.int().min(0).max(127).optional(),
      }),
    )
    .max(64)
    .optional(),
  headerExtensions: z
    .array(
      z.object({
        kind: z.enum(['audio', 'video']),
        uri: z.string().max(256),
        preferredId: z.int().min(1).max(255),
        preferredEncrypt: z.boolean().optional(),
        direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']).optional(),
      }),
    )
    .max(64)
    .optional(),
});

/** Payloads, client → server. */
export const ClientPayloads = {
  join: z.object({
    name: DisplayName.optional(),
    /**
     * Who one was before the connection dropped: the same identity takes over that peer's id, seat and place. Only a hint
     * which of one's own peers is meant; without it a host or co-host takes over its own, audience one that is `away`.
     */
    resume: PeerId.optional(),
  }),
  leave: z.object({}),
  'transport:create': z.object({ direction: z.enum(['send', 'recv']) }),
  'transport:connect': z.object({ transportId: MediasoupId, dtlsParameters: DtlsParameters }),
  'transport:restart-ice': z.object({ transportId: MediasoupId }),
  'producer:create': z.object({
    transportId: MediasoupId,
    source: SourceKind,
    rtpParameters: RtpParameters,
    paused: z.boolean().default(false),
    /** Pixels of the highest layer, so that the layer that fits can be chosen; 1280x720 is assumed when it is absent. */
    size: z.object({ width: z.int().min(1).max(8192), height: z.int().min(1).max(8192) }).optional(),
  }),
  'producer:pause': z.object({ producerId: MediasoupId }),
  'producer:resume': z.object({ producerId: MediasoupId }),
  'producer:close': z.object({ producerId: MediasoupId }),
  'consumer:start': z.object({ transportId: MediasoupId, rtpCapabilities: RtpCapabilities }),
  'consumer:resume': z.object({ consumerId: MediasoupId }),
  'consumer:pause': z.object({ consumerId: MediasoupId }),
  /** The size in device pixels at which the video is shown; the server forwards the layer that fits. */
  'consumer:size': z.object({
    consumerId: MediasoupId,
    width: z.int().min(0).max(8192),
    height: z.int().min(0).max(8192),
  }),
  /**
   * The program itself, as viewers get it: pictures, and sound without one's own. Comes as `consumer:new`, with `program` and `program-sound` for
   * `source`, while there is one; also of another compositor, before the last one's ends. For who has a seat; holds until `media:reset`.
   */
  'program:watch': z.object({ video: z.boolean(), sound: z.boolean() }),
  /**
   * Tests the network, before `join` or after: a transport for one way, on which the client opens a data channel and sends for a few seconds.
   * A few tests a minute for a connection, one at a time; it ends by itself after 20 s or 6 MB.
   */
  'network:open': z.object({ way: z.enum(NETWORK_WAYS) }),
  'network:connect': z.object({ transportId: MediasoupId, dtlsParameters: DtlsParameters }),
  'network:send': z.object({ transportId: MediasoupId, sctpStreamParameters: SctpStreamParameters }),
  /** What has come by all data channels of the test. */
  'network:received': z.object({}),
  'network:close': z.object({}),
  'seat:request': z.object({}),
  'seat:withdraw': z.object({}),
  'seat:grant': z.object({ peerId: PeerId }),
  'seat:take': z.object({ peerId: PeerId }),
  /** Says no to somebody who asks; they may ask again. */
  'seat:decline': z.object({ peerId: PeerId, reason: Reason.optional() }),
  /** A picture of oneself while one asks: JPEG, `PREVIEW`; at most one a second. To hosts, and only to those whose connection has room for it. */
  'seat:preview': z.object({
    picture: z.custom<Uint8Array>((bytes) => bytes instanceof Uint8Array, 'bytes are wanted'),
  }),
  /** false: off the program while the seat is kept (green room); true: back in. */
  'seat:program': z.object({ peerId: PeerId, on: z.boolean() }),
  /** Silences somebody's source, or takes their picture away; only they can turn it on again. */
  'seat:mute': z.object({ peerId: PeerId, source: SourceKind.default('microphone') }),
  /** Out of the room; their identity is refused until the token that they have expires. */
  'peer:remove': z.object({ peerId: PeerId, reason: Reason.optional() }),
  /** Makes somebody with a seat a host, too. */
  'peer:host': z.object({ peerId: PeerId }),
  /** What the page measures of its own sending, every HEALTH_REPORT_EVERY_MS. */
  'health:report': HealthReport,
  'invitation:create': InvitationInput,
  'invitation:list': z.object({}),
  'invitation:revoke': z.object({ id: InvitationId }),
  'broadcast:start': BroadcastInput,
  'broadcast:stop': z.object({}),
  /** While it is live: begins a recording, or ends it. */
  'broadcast:record': z.object({ on: z.boolean() }),
  /** The room's next broadcast starts by itself, or after a countdown; a new one takes the place of the last. */
  'schedule:set': ScheduleInput,
  /** A countdown that took the place of a schedule leads back to that; else it is called off. */
  'schedule:cancel': z.object({}),
  /** At once. */
  'schedule:start': z.object({}),
  /** While the room is live. */
  'destination:add': DestinationInput,
  'destination:remove': z.object({ id: DestinationId }),
  /** A line of captions. Hosts. */
  'caption:say': CaptionInput,
  /** The whole scene. Hosts; `stale-version` when somebody else was first: they were told the newest one before. */
  'scene:set': z.object({ scene: Scene, ifMatch: z.int().min(0) }),
} as const;
export type ClientEvent = keyof typeof ClientPayloads;

export interface PeerInfo {
  id: PeerId;
  name: string;
  role: Role;
  /** Has the right to publish. */
  seated: boolean;
  /** Waits for a seat. */
  asking: boolean;
  /** Since when it waits, ms since 1970 by the server's clock: who asked first is first in the queue. */
  askedAt?: number;
  /** It has a seat and is not in the program: a host has taken it off. */
  offProgram?: boolean;
  /** No host has been here for 30 s, and it is the co-host who sat down first: it may stop the broadcast. Nothing else of a host is its. */
  mayStop?: boolean;
  /** `away`: the connection dropped; the seat is kept for 30 s. */
  presence: 'here' | 'away';
  /** What it publishes; paused = muted or camera off. */
  sources: { kind: SourceKind; producerId: string; paused: boolean }[];
}

export interface IceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}

/** mediasoup-client's TransportOptions, as JSON. Opaque between mediasoup and mediasoup-client. */
export interface TransportOptions {
  id: string;
  iceParameters: Record<string, unknown>;
  iceCandidates: Record<string, unknown>[];
  dtlsParameters: Record<string, unknown>;
}

export interface NetworkOpenAnswer {
  transport: TransportOptions & { sctpParameters: Record<string, unknown> };
  routerRtpCapabilities: Record<string, unknown>;
  iceServers: IceServer[];
}

export interface JoinAnswer {
  self: PeerInfo;
  peers: PeerInfo[];
  room: string;
  broadcast: BroadcastStatus | null;
  /** The room's next broadcast, when it starts by itself; left out by servers of before. */
  schedule?: Schedule | null;
  /** null for the audience. */
  scene: VersionedScene | null;
  routerRtpCapabilities: Record<string, unknown>;
  iceServers: IceServer[];
  /** The server's wall clock, ms since 1970. */
  serverTime: number;
}

export interface ClientAnswers {
  join: JoinAnswer;
  leave: Record<string, never>;
  'transport:create': TransportOptions;
  'transport:connect': Record<string, never>;
  'transport:restart-ice': { iceParameters: Record<string, unknown> };
  'producer:create': { producerId: string };
  'producer:pause': Record<string, never>;
  'producer:resume': Record<string, never>;
  'producer:close': Record<string, never>;
  'consumer:start': Record<string, never>;
  'consumer:resume': Record<string, never>;
  'consumer:pause': Record<string, never>;
  'consumer:size': Record<string, never>;
  'program:watch': Record<string, never>;
  'network:open': NetworkOpenAnswer;
  'network:connect': Record<string, never>;
  'network:send': { dataProducerId: string };
  /** `atMs`: when it was counted, ms of the server's monotonic clock. */
  'network:received': { bytes: number; atMs: number };
  'network:close': Record<string, never>;
  'seat:request': Record<string, never>;
  'seat:withdraw': Record<string, never>;
  'seat:grant': Record<string, never>;
  'seat:take': Record<string, never>;
  'seat:decline': Record<string, never>;
  'seat:preview': Record<string, never>;
  'seat:program': Record<string, never>;
  'seat:mute': Record<string, never>;
  'peer:remove': Record<string, never>;
  'peer:host': Record<string, never>;
  'health:report': Record<string, never>;
  'invitation:create': InvitationAnswer;
  'invitation:list': { invitations: Invitation[] };
  'invitation:revoke': Record<string, never>;
  'broadcast:start': BroadcastStatus;
  'broadcast:stop': Record<string, never>;
  'broadcast:record': Record<string, never>;
  'schedule:set': Schedule;
  'schedule:cancel': Record<string, never>;
  'schedule:start': BroadcastStatus;
  'destination:add': DestinationStatus;
  'destination:remove': Record<string, never>;
  'caption:say': CaptionAnswer;
  /** `fromFrame`: the frame of the program from which it holds; null when the room is not live. */
  'scene:set': VersionedScene & { fromFrame: number | null };
}

export interface NewConsumer {
  id: string;
  producerId: string;
  /** Whose it is; of the program: one's own. */
  peerId: PeerId;
  source: SourceKind | ProgramSource;
  kind: 'audio' | 'video';
  rtpParameters: Record<string, unknown>;
  producerPaused: boolean;
}

export type LeaveReason = 'joined-elsewhere' | 'room-closed' | 'removed' | 'shutting-down';

/** Server → client. */
export interface ServerToClient {
  'peer:joined': (peer: PeerInfo) => void;
  'peer:updated': (peer: PeerInfo) => void;
  'peer:left': (event: { peerId: PeerId }) => void;
  'consumer:new': (consumer: NewConsumer, ack: (done: boolean) => void) => void;
  'consumer:closed': (event: { consumerId: string }) => void;
  'consumer:paused': (event: { consumerId: string }) => void;
  'consumer:resumed': (event: { consumerId: string }) => void;
  /** Who speaks, loudest first; empty when nobody does. */
  speakers: (event: { peerIds: PeerId[] }) => void;
  /** About oneself: a seat was granted or taken. */
  'seat:changed': (event: { seated: boolean }) => void;
  /** About oneself: a host said no to one's wish for a seat. */
  'seat:declined': (event: { reason?: string }) => void;
  /** About oneself, while one asks: one's place in the queue, from 1, and how many wait in all. */
  'seat:place': (event: { place: number; waiting: number }) => void;
  /** To hosts: how somebody who asks looks just now. */
  'seat:preview': (event: { peerId: PeerId; picture: Uint8Array | ArrayBuffer }) => void;
  /** About oneself: a host silenced this source. */
  'seat:muted': (event: { source: SourceKind }) => void;
  /** About oneself: one is a host now, with a token that says so. */
  'role:changed': (event: { role: Role; token: string }) => void;
  'media:reset': (event: {
    reason: 'worker-died' | 'rejoined';
    routerRtpCapabilities: Record<string, unknown>;
  }) => void;
  'broadcast:status': (status: BroadcastStatus) => void;
  /** The room's next broadcast starts by itself, or could not; null: there is none any more. */
  'schedule:changed': (event: { schedule: Schedule | null }) => void;
  /** How the room fares, at most every HEALTH_EVERY_MS. To hosts; to everybody else with a seat what is about themselves. */
  'room:health': (health: RoomHealth) => void;
  /** Somebody set the scene. To hosts and co-hosts, whoever set it as well. */
  'scene:changed': (scene: VersionedScene) => void;
  /** The server closes the socket after this. `words`: what the host who removed one says. */
  left: (event: { reason: LeaveReason; message: string; words?: string }) => void;
  /**
   * The room goes on on another node: connect again at once and `join` with `resume`; the seat is kept. The server closes the connection
   * after this, so that a client which does not know the event comes back as after any other broken connection.
   */
  moved: (event: Record<string, never>) => void;
}

export type ClientToServer = {
  [E in ClientEvent]: (payload: z.input<(typeof ClientPayloads)[E]>, ack: AckFn<ClientAnswers[E]>) => void;
};
