/**
 * Interface 6, Playback (contracts/playback.ts): HTTP GET and HEAD on the public port. Reads from the store and waits for it; knows
 * nothing of compositors. What every answer has is in http/.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../contracts/errors.ts';
import { partSeconds, partsPerSegment } from '../contracts/grid.ts';
import { BroadcastId, RenditionId, RoomId } from '../contracts/ids.ts';
import {
  type BroadcastPlayback,
  EDGE_VIEWERS_HEADER,
  EDGE_WATCHING_HEADER,
  type PlaybackAccess,
  type PlaybackState,
} from '../contracts/playback.ts';
import { registerCaptionRoutes } from './captions/captionRoutes.ts';
import type { DeliveryBroadcast } from './DeliveryBroadcast.ts';
import type { Edge } from './edge/Edge.ts';
import { parseDirectives, type Query } from './hls/directives.ts';
import { CAPTIONS, type PlaylistCache } from './hls/PlaylistCache.ts';
import { targetDurationSeconds } from './hls/playlists.ts';
import { HELD_UP, MEDIA_TYPES, PLAYLIST_TYPE } from './http/answerHeaders.ts';
import { sendMedia, sendText } from './http/answers.ts';
import {
  barePlaylist,
  blockedPlaylist,
  cacheControl,
  type Freshness,
  MULTIVARIANT,
  STATE,
} from './http/cachePolicy.ts';
import type { Access, PlayGate } from './http/PlayGate.ts';
import { allow, preparePlayback } from './http/playAccess.ts';
import { FILE, parseName, parsePlaybackPath } from './http/playbackPath.ts';
import type { DeliveryMetrics } from './metrics.ts';
import type { LivePictures } from './pictures/LivePictures.ts';
import { registerPictureRoutes } from './pictures/pictureRoutes.ts';
import type { ViewerBytes } from './ViewerBytes.ts';
import type { Viewers } from './Viewers.ts';
import type { Beacons } from './viewers/Beacons.ts';
import { registerBeaconRoutes } from './viewers/beaconRoutes.ts';

/** Requests that may be held at the same time, per broadcast. */
const MAX_WAITING = 50_000;

export interface PlaybackOptions {
  /** The broadcast, while its playlists are there. */
  find(
    room: string,
    broadcast: string,
  ): { broadcast: DeliveryBroadcast; playlists: PlaylistCache; pictures: LivePictures } | undefined;
  newest(room: string): { broadcast: DeliveryBroadcast; playlists: PlaylistCache } | undefined;
  state(room: string): BroadcastPlayback;
  /** It was here, and is another node's now. */
  isGone(room: string, broadcast: string | undefined): boolean;
  /** The newest recording of a room, or the one of a broadcast; `guarded`: also one that wants a token. null: none can be played. */
  recordingOf(room: string, which: { guarded: boolean; broadcast: string | null }): Promise<string | null>;
  /** The room's next broadcast, when it starts by itself. */
  scheduled(room: string): { title: string; startsAt: number; playback: PlaybackAccess } | undefined;
  gate: PlayGate;
  /** For broadcasts that another node owns; undefined: there is no other. */
  edge: Edge | undefined;
  viewers: Viewers;
  viewerBytes: ViewerBytes;
  beacons: Beacons;
  metrics: DeliveryMetrics;
  /** For other delivery nodes, on the internal port. */
  nodesOnly: boolean;
}

type Kind = 'multivariant' | 'playlist' | 'init' | 'segment' | 'part' | 'state' | 'picture' | 'captions';
type Found = { broadcast: DeliveryBroadcast; playlists: PlaylistCache };
/** What this node itself answers. */
export type LocalAnswer = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
/** `template` is what the route has behind `/live`, such as `/:room/index.m3u8`. */
export type AddRoute = (template: string, local: LocalAnswer) => void;
type Handler = (options: PlaybackOptions, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

const ROUTES: Readonly<Record<string, Handler>> = {
  '/:room/index.m3u8': multivariant,
  '/:room/state.json': state,
  '/:room/:broadcast/:rendition/index.m3u8': media,
  '/:room/:broadcast/:rendition/:file': file,
};

/** Call before the server listens. */
export function registerPlaybackRoutes(fastify: FastifyInstance, options: PlaybackOptions): void {
  void fastify.register(async (scope) => {
    preparePlayback(scope, options.gate, options);
    scope.addHook('onResponse', async (request, reply) => count(options, request, reply));
    const addRoute: AddRoute = (template, local) => {
      // Both of them have a HEAD by themselves.
      for (const url of [`/live${template}`, `/live/~:token${template}`])
        scope.get(url, { schema: { hide: true } }, (request, reply) => serve(template, local, options, request, reply));
    };
    for (const [template, handler] of Object.entries(ROUTES))
      addRoute(template, (request, reply) => handler(options, request, reply));
    registerPictureRoutes(addRoute, options);
    registerCaptionRoutes(addRoute, {
      ...options,
      answer: (request, reply, found) => sendMediaPlaylist(options, request, reply, { ...found, rendition: CAPTIONS }),
    });
    if (options.nodesOnly) return;
    const playbackOf = (room: string, id: string) => options.find(room, id)?.broadcast.playback;
    registerBeaconRoutes(scope, { beacons: options.beacons, gate: options.gate, playbackOf });
  });
}

/** A broadcast has gone to another node while somebody waited for it here. */
class GoneMeanwhile extends Error {}

/**
 * Ours are answered from here, and what nobody has; the rest is the edge's. Another node that asks us for what is not ours is mistaken, unless it
 * was ours a moment ago.
 */
async function serve(
  template: string,
  local: LocalAnswer,
  options: PlaybackOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { edge, find, newest, isGone } = options;
  const params = request.params as { room: string; broadcast?: string };
  const ours = params.broadcast ? find(params.room, params.broadcast) : newest(params.room);
  const asked = request.playAccess !== 'node' || isGone(params.room, params.broadcast);
  if (!edge || (!ours && !asked)) return local(request, reply);
  if (ours)
    try {
      return await local(request, reply);
    } catch (error) {
      if (!(error instanceof GoneMeanwhile)) throw error;
    }
  const path = parsePlaybackPath(template, params, request.query as Query);
  return (await edge.serve(request, reply, path, options)) ? reply : local(request, reply);
}

function findRendition(
  options: PlaybackOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Found & { rendition: string } {
  const params = request.params as Record<string, string>;
  const room = parseName(RoomId, params.room);
  const found = options.find(room, parseName(BroadcastId, params.broadcast));
  const rendition = parseName(RenditionId, params.rendition);
  if (!found?.broadcast.renditions.some((r) => r.id === rendition)) throw new AppError('not-found');
  allow(options.gate, request, reply, found.broadcast.playback);
  return { ...found, rendition };
}

async function multivariant(
  options: PlaybackOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { room } = request.params as Record<string, string>;
  const found = options.newest(parseName(RoomId, room));
  if (!found) throw new AppError('no-broadcast');
  allow(options.gate, request, reply, found.broadcast.playback);
  return sendPlaylist(options, request, reply, found.playlists.multivariant(), MULTIVARIANT);
}

async function state(options: PlaybackOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const room = parseName(RoomId, (request.params as Record<string, string>).room);
  allow(options.gate, request, reply, options.newest(room)?.broadcast.playback ?? 'open');
  const now = options.state(room);
  // Who comes for what has just ended is not given an older one in its place.
  const which = { guarded: request.playAccess !== 'anybody', broadcast: now.state === 'ended' ? now.broadcast : null };
  const answer: PlaybackState = {
    ...now,
    recording: now.state === 'live' ? null : await options.recordingOf(room, which),
    scheduled: scheduledFor(options.scheduled(room), request.playAccess),
  };
  return sendText(request, reply, {
    bytes: Buffer.from(JSON.stringify(answer)),
    type: 'application/json; charset=utf-8',
    cacheControl: cacheControl(STATE, options.gate.lifeSeconds(request.playAccess)),
  });
}

/** One that wants a token is a secret until then, also of other nodes: they do not ask their viewers for it. */
function scheduledFor(next: ReturnType<PlaybackOptions['scheduled']>, access: Access): PlaybackState['scheduled'] {
  if (!next || (next.playback === 'token' && typeof access === 'string')) return null;
  return { title: next.title, startsAt: next.startsAt, now: Date.now() };
}

async function media(options: PlaybackOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return sendMediaPlaylist(options, request, reply, findRendition(options, request, reply));
}

async function sendMediaPlaylist(
  options: PlaybackOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  { broadcast, playlists, rendition }: Found & { rendition: string },
): Promise<FastifyReply> {
  const { [EDGE_VIEWERS_HEADER]: elsewhere = '', [EDGE_WATCHING_HEADER]: watching = '' } = request.headers;
  if (request.playAccess === 'node') {
    options.viewers.elsewhere(broadcast.id, String(elsewhere));
    options.viewers.watching.elsewhere(broadcast.id, String(watching));
  } else options.viewers.seen(broadcast.id, request);
  const directives = parseDirectives(request.query as Query);
  const position = playlists.blockingPosition(directives);
  if (position === null) {
    const freshness = barePlaylist(partSeconds(broadcast.grid), broadcast.store.ended);
    return sendPlaylist(options, request, reply, playlists.media(rendition, directives), freshness);
  }
  await hold(options, reply, broadcast, position, playlists.holdLimitMs, () => {
    throw new AppError('no-capacity', HELD_UP);
  });
  const freshness = blockedPlaylist(targetDurationSeconds(broadcast.grid));
  return sendPlaylist(options, request, reply, playlists.media(rendition, directives), freshness);
}

async function file(options: PlaybackOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { broadcast, playlists, rendition } = findRendition(options, request, reply);
  const { file: name = '' } = request.params as Record<string, string>;
  const [, initName, segmentText, partText] = FILE.exec(name) ?? [];
  const init = broadcast.inits.get(rendition);
  if (!init) throw new AppError('not-found');
  // Nothing else is ever under this URL, so its name tags it.
  const send = (bytes: Buffer): FastifyReply =>
    sendMedia(request, reply, {
      bytes,
      type: MEDIA_TYPES[init.info.kind],
      etag: `"${name}"`,
      cacheControl: cacheControl('immutable', options.gate.lifeSeconds(request.playAccess)),
    });
  if (initName !== undefined) {
    if (`${initName}.mp4` !== init.name) throw new AppError('not-found');
    return send(init.bytes);
  }
  if (segmentText === undefined) throw new AppError('not-found');
  const segment = Number(segmentText);
  if (partText === undefined) {
    const whole = await broadcast.store.readSegment(rendition, segment);
    if (!whole) throw missing(broadcast, segment);
    return send(whole);
  }
  const part = Number(partText);
  const position = segment * partsPerSegment(broadcast.grid) + part;
  // Only the part that the playlist hints at is waited for.
  if (part < partsPerSegment(broadcast.grid) && position === broadcast.store.position && position > 0)
    await hold(options, reply, broadcast, position, playlists.holdLimitMs, () => undefined);
  const bytes = await broadcast.store.readPart(rendition, segment, part);
  if (!bytes) throw missing(broadcast, segment);
  return send(bytes);
}

/** What lies before everything that is kept does not come back. */
function missing({ store }: DeliveryBroadcast, segment: number): AppError {
  return new AppError(segment < store.retainedFrom ? 'gone' : 'not-found');
}

async function hold(
  options: PlaybackOptions,
  reply: FastifyReply,
  broadcast: DeliveryBroadcast,
  position: number,
  limitMs: number,
  onTimeout: () => void,
): Promise<void> {
  const { store } = broadcast;
  if (store.ended || position < store.position) return;
  if (store.waiting >= MAX_WAITING) throw new AppError('no-capacity', 'Too many players are waiting.');
  // Who hangs up is not waited for: held requests of thousands who are gone would fill the memory.
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  reply.raw.once('close', onClose);
  options.metrics.hlsWaiting.inc();
  try {
    const reached = await store.whenVisible(position, limitMs, gone.signal);
    if (broadcast.movedTo !== null) throw new GoneMeanwhile();
    if (!reached) onTimeout();
  } finally {
    reply.raw.off('close', onClose);
    options.metrics.hlsWaiting.dec();
  }
}

function sendPlaylist(
  { gate }: PlaybackOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  bytes: Buffer,
  freshness: Freshness,
): FastifyReply {
  const life = gate.lifeSeconds(request.playAccess);
  return sendText(request, reply, { bytes, type: PLAYLIST_TYPE, cacheControl: cacheControl(freshness, life) });
}

function count(options: PlaybackOptions, request: FastifyRequest, reply: FastifyReply): void {
  const { metrics } = options;
  // A held request that its player gave up was not answered.
  if (request.raw.aborted) return;
  const path = request.url.replace(/\?.*$/s, '');
  // Beacons have figures of their own.
  if (path.endsWith('/beacon')) return;
  const kind = kindOf(path);
  metrics.hlsRequests.inc({ kind, status: `${Math.floor(reply.statusCode / 100)}xx` });
  const bytes = Number(reply.getHeader('content-length') ?? 0);
  if (request.method !== 'GET' || !Number.isFinite(bytes)) return;
  metrics.hlsBytes.inc({ kind }, bytes);
  // An error is nobody's use, and another node counts what it sends to its own viewers.
  const of = reply.statusCode >= 300 || request.playAccess === 'node' ? undefined : broadcastOf(options, request);
  if (of) options.viewerBytes.add(of, bytes);
}

/** Whose bytes these are; what is the room's belongs to its newest broadcast. */
function broadcastOf(
  { find, newest }: PlaybackOptions,
  request: FastifyRequest,
): { id: string; room: string } | undefined {
  const { room = '', broadcast } = request.params as Record<string, string>;
  if (request.servedBroadcast !== '') return { id: request.servedBroadcast, room };
  return (broadcast ? find(room, broadcast) : newest(room))?.broadcast;
}

function kindOf(path: string): Kind {
  if (path.endsWith('/state.json')) return 'state';
  if (path.endsWith('.m3u8'))
    return path.replace(/^\/live\/~[^/]*/, '/live').split('/').length === 4 ? 'multivariant' : 'playlist';
  if (/\/captions\/[^/]+\/[^/]+\.vtt$/.test(path)) return 'captions';
  if (/\.(jpg|vtt)$/.test(path)) return 'picture';
  if (path.endsWith('.mp4')) return 'init';
  return /\.\d+\.m4s$/.test(path) ? 'part' : 'segment';
}
