/**
 * Webhooks: what is sent to a user's own server when something happens, and the API that says where to. docs/webhooks.md and the section
 * `webhooks` of the API document are made from this file.
 */
import { z } from 'zod';
import { BroadcastStatus } from './broadcast.ts';
import { DestinationStatus } from './deliveryControl.ts';
import { BroadcastId, PeerId, RoomId } from './ids.ts';
import { Recording } from './recording.ts';
import { Schedule } from './schedule.ts';
import { Identity, Role } from './tokens.ts';

/** Header of each request: `t=SECONDS,v1=HEX` with one `v1` for each live secret; HMAC-SHA256 over `SECONDS.BODY`. */
export const SIGNATURE_HEADER = 'lianmai-signature';

const PeerAbout = z.object({
  id: PeerId,
  /** Who it is to the application that made the token. */
  identity: Identity,
  name: z.string(),
  role: Role,
});
export type PeerAbout = z.infer<typeof PeerAbout>;

const BroadcastAbout = BroadcastStatus.pick({
  ...{ id: true, state: true, startedAt: true, endedAt: true, endReason: true },
  ...{ position: true, waitReason: true },
  ...{ playlist: true, video: true, renditions: true, degradation: true, restarts: true },
});

const ofPeer = z.object({ peer: PeerAbout });
const ofBroadcast = z.object({ broadcast: BroadcastAbout });
const ofDestination = z.object({ broadcast: BroadcastId, destination: DestinationStatus });
const ofSchedule = z.object({ schedule: Schedule.omit({ settings: true }) });
const ofRecording = z.object({ broadcast: BroadcastId, recording: Recording });

/** How somebody came to a seat. */
const SeatHow = z.enum(['role', 'request', 'own', 'return']);
const CloseReason = z.enum(['room-closed', 'shutting-down', 'server-lost']);

/** Every event: what is in its `data`, and when it is sent. */
export const WEBHOOK_EVENTS = {
  'room.opened': { data: z.object({ openedAt: z.number() }), help: 'Somebody came first, or the API used the room.' },
  'room.closed': {
    data: z.object({ openedAt: z.number(), reason: CloseReason }),
    help: 'The room is empty or was closed, and nobody is in it any more. `server-lost`: the server was killed; told at its next start.',
  },
  'peer.joined': { data: ofPeer, help: 'Somebody came in. Coming back within 30 s after a lost connection is none.' },
  'peer.left': { data: ofPeer, help: 'Somebody is gone for good.' },
  'seat.requested': { data: ofPeer, help: 'Somebody asks for a seat.' },
  'seat.withdrawn': { data: ofPeer, help: 'Somebody does not ask any more.' },
  'seat.declined': { data: ofPeer, help: 'A host declined.' },
  'seat.granted': {
    data: ofPeer.extend({ how: SeatHow }),
    help: 'Somebody has a seat: by the token’s `role`, by a `request` that a host granted, a host by their `own` choice, or on their `return` after the server was killed.',
  },
  'seat.taken': { data: ofPeer, help: 'A host took the seat back.' },
  'seat.left': { data: ofPeer, help: 'Somebody gave the seat back, or is gone.' },
  'schedule.set': {
    data: ofSchedule,
    help: 'The room’s next broadcast starts by itself at `startsAt`; also after each change, and for a countdown.',
  },
  'schedule.cancelled': { data: ofSchedule, help: 'It was called off.' },
  'schedule.failed': {
    data: ofSchedule,
    help: 'Its time has come, and it could not be started; `reason` says why. One that starts tells it by `broadcast.starting`.',
  },
  'broadcast.pending': {
    data: ofBroadcast,
    help: 'No compositor is free: it waits, `position` says where, and starts by itself (`broadcast.starting` again).',
  },
  'broadcast.starting': { data: ofBroadcast, help: 'Somebody went live; also after `broadcast.pending`.' },
  'broadcast.live': { data: ofBroadcast, help: 'The program can be watched; also after each `broadcast.recovering`.' },
  'broadcast.recovering': { data: ofBroadcast, help: 'The compositor is gone, another one is on its way.' },
  'broadcast.degraded': {
    data: ofBroadcast,
    help: 'How far the program gives way to CPU pressure has changed; `degradation` `none`: back to normal.',
  },
  'broadcast.ended': { data: ofBroadcast, help: 'Playlists are closed, destinations are gone; `endReason` says why.' },
  'broadcast.failed': { data: ofBroadcast, help: 'It could not be started, or not be kept up.' },
  'destination.connecting': { data: ofDestination, help: 'A destination was added.' },
  'destination.live': { data: ofDestination, help: 'The destination takes the program.' },
  'destination.reconnecting': { data: ofDestination, help: 'The connection is lost; `reason` says why.' },
  'destination.failed': { data: ofDestination, help: 'The destination was given up; `reason` says why.' },
  'destination.stopped': { data: ofDestination, help: 'The destination was removed, or the broadcast is over.' },
  'recording.started': { data: ofRecording, help: 'The program is being recorded.' },
  'recording.incomplete': {
    data: ofRecording,
    help: 'Something could not be written: told at once (`state` is `recording`), and again at the end in place of `recording.finished`.',
  },
  'recording.finished': { data: ofRecording, help: 'The whole recording can be played.' },
  'recording.failed': { data: ofRecording, help: 'Nothing of the recording can be played.' },
} as const satisfies Record<string, { data: z.ZodObject; help: string }>;

export type WebhookEventType = keyof typeof WEBHOOK_EVENTS;
export const WebhookEventType = z.enum(Object.keys(WEBHOOK_EVENTS) as [WebhookEventType, ...WebhookEventType[]]);
export type WebhookData<T extends WebhookEventType> = z.infer<(typeof WEBHOOK_EVENTS)[T]['data']>;

export const WebhookEventId = z.string().regex(/^w[a-z0-9]{16}$/);

/** The body of a request. The same event has the same `id`, `sequence` and bytes, however often it is sent. */
const envelope = {
  id: WebhookEventId,
  /** ms since 1970. */
  createdAt: z.number(),
  room: RoomId,
  /** Counts the events of the room, 1, 2, 3, whether or not an endpoint gets all of them. */
  sequence: z.int().min(1),
};
export const WebhookEvent = z.object({ ...envelope, type: WebhookEventType, data: z.looseObject({}) });
export type WebhookEvent = z.infer<typeof WebhookEvent>;

/** What is sent as events of this type; for the API document. */
export const eventSchemaOf = (type: WebhookEventType): z.ZodObject =>
  z.object({ ...envelope, type: z.literal(type), data: WEBHOOK_EVENTS[type].data });

const FILTERS = [
  '*',
  ...new Set(WebhookEventType.options.map((type) => `${type.split('.')[0]}.*`)),
  ...WebhookEventType.options,
] as const;
/** An event's type, `destination.*` for all of a kind, or `*`. */
export const WebhookFilter = z.enum(FILTERS as unknown as [string, ...string[]]);

export const filterLets = (filters: readonly string[], type: WebhookEventType): boolean =>
  filters.some((f) => f === '*' || f === type || (f.endsWith('.*') && type.startsWith(f.slice(0, -1))));

export const WebhookId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'an id is 1 to 64 of a-z, 0-9, _ and -');

export const WebhookInput = z
  .object({
    /** http:// or https://, without user and password. */
    url: z.string().min(8).max(2048),
    /** Which events: types, `destination.*` for all of a kind, `*` for all. */
    events: z.array(WebhookFilter).min(1).max(FILTERS.length).default(['*']),
    /** A disabled one gets no new events; what waits for it waits on, up to a day. */
    enabled: z.boolean().default(true),
    description: z.string().max(256).default(''),
  })
  .strict();
export type WebhookInput = z.infer<typeof WebhookInput>;

export const Webhook = z.object({
  id: WebhookId,
  url: z.string(),
  events: z.array(z.string()),
  enabled: z.boolean(),
  description: z.string(),
  /** `settings`: of LIANMAI_WEBHOOK_URLS, not to be changed here. */
  source: z.enum(['settings', 'api']),
  createdAt: z.number(),
  /** Until when requests are signed with the secret before, too; ms since 1970. */
  oldSecretUntil: z.number().nullable(),
  /** Events that have not been accepted yet. */
  waiting: z.int(),
  /** Why the last attempt failed; empty when it was accepted. */
  reason: z.string(),
});
export type Webhook = z.infer<typeof Webhook>;
export const WebhookList = z.object({ webhooks: z.array(Webhook) });

/** The secret is told in this answer and never again; null when there is no new one. */
export const WebhookAnswer = z.object({ webhook: Webhook, secret: z.string().nullable() });

export const SecretInput = z
  .object({
    /** How long requests are signed with the secret before, too, seconds. 0: it is not valid any more. */
    overlapSeconds: z
      .int()
      .min(0)
      .max(7 * 86_400)
      .default(86_400),
  })
  .strict();

export const DeliveryState = z.enum(['waiting', 'delivered', 'dead']);
export const WebhookDelivery = z.object({
  event: WebhookEventId,
  type: WebhookEventType,
  room: RoomId,
  sequence: z.int(),
  createdAt: z.number(),
  /** `dead`: given up; it can be sent again. */
  state: DeliveryState,
  attempts: z.int(),
  /** ms since 1970; null when there is none. */
  nextAttemptAt: z.number().nullable(),
  /** When it was accepted or given up. */
  settledAt: z.number().nullable(),
  /** HTTP status of the last answer; null when there was none. */
  status: z.int().nullable(),
  /** Why the last attempt failed; else empty. */
  reason: z.string(),
});
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;

export const DeliveryQuery = z.object({
  state: DeliveryState.optional(),
  limit: z.coerce.number().pipe(z.int().min(1).max(1000)).default(100),
  /** Of the answer before: what is older than it. */
  before: z.coerce.number().pipe(z.int().min(1)).optional(),
});
export type DeliveryQuery = z.infer<typeof DeliveryQuery>;
/** The newest first. */
export const DeliveryList = z.object({ deliveries: z.array(WebhookDelivery), before: z.int().nullable() });
export const ResendAnswer = z.object({ resent: z.int() });
