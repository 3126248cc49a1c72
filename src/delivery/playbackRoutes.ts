/**
 * Interface 6, Playback (contracts/playback.ts): HTTP GET and HEAD on the public port. Reads from the store and waits for it; knows
 * nothing of compositors.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../contracts/errors.ts';
import { partSeconds, partsPerSegment } from '../contracts/grid.ts';
import { BroadcastId, RenditionId, RoomId } from '../contracts/ids.ts';
import type { PlaybackState } from '../contracts/playback.ts';
import type { DeliveryBroadcast } from './DeliveryBroadcast.ts';
import type { PlaylistCache } from './hls/PlaylistCache.ts';
import type { DeliveryMetrics } from './metrics.ts';
import type { Viewers } from './Viewers.ts';

const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
const IMMUTABLE = 'public, max-age=31536000, immutable';
/** An answer to a directive is for ever the answer to it, or a newer one; long enough for a CDN to merge those who ask. */
const BLOCKED_PLAYLIST = 'public, max-age=6';
const MEDIA_TYPES = { video: 'video/mp4', audio: 'audio/mp4' } as const;
/** Requests that may be held at the same time, per broadcast. */
const MAX_WAITING = 50_000;
/** Segment and part numbers in a file name: no sign, no leading zero, exact. */
const FILE = /^(?:(init-[0-9a-f]{16})\.mp4|(0|[1-9]\d{0,11})(?:\.(0|[1-9]\d{0,2}))?\.m4s)$/;

export interface PlaybackOptions {
  /** The broadcast, while its playlists are there. */
  find(room: string, broadcast: string): { broadcast: DeliveryBroadcast; playlists: PlaylistCache } | undefined;
  newest(room: string): { broadcast: DeliveryBroadcast; playlists: PlaylistCache } | undefined;
  state(room: string): PlaybackState;
  viewers: Viewers;
  metrics: DeliveryMetrics;
}

type Kind = 'multivariant' | 'playlist' | 'init' | 'segment' | 'part' | 'state';
type Found = { broadcast: DeliveryBroadcast; playlists: PlaylistCache };

/** Call before the server listens. */
export function registerPlaybackRoutes(fastify: FastifyInstance, options: PlaybackOptions): void {
  void fastify.register(async (scope) => {
    const hidden = { schema: { hide: true } };
    scope.addHook('onRequest', async (_request, reply) => {
      // Whatever becomes of it: players on other pages read the errors too.
      reply.header('access-control-allow-origin', '*').header('cache-control', 'no-store');
      reply.header('x-content-type-options', 'nosniff');
    });
    scope.addHook('onResponse', async (request, reply) => count(options, request, reply));
    scope.options('/live/*', hidden, async (_request, reply) =>
      reply
        .header('access-control-allow-methods', 'GET, HEAD, OPTIONS')
        .header('access-control-allow-headers', 'range')
        .header('access-control-max-age', '86400')
        .code(204)
        .send(),
    );
    scope.get('/live/:room/index.m3u8', hidden, async (request, reply) => {
      const { room } = request.params as Record<string, string>;
      const found = options.newest(parseName(RoomId, room));
      if (!found) throw new AppError('no-broadcast');
      const ttl = found.broadcast.state === 'open' ? partSeconds(found.broadcast.grid) : 0;
      return sendPlaylist(reply, found.playlists.multivariant(), bareCache(ttl));
    });
    scope.get('/live/:room/state.json', hidden, async (request, reply) => {
      const { room } = request.params as Record<string, string>;
      return reply.type('application/json').send(JSON.stringify(options.state(parseName(RoomId, room))));
    });
    scope.get('/live/:room/:broadcast/:rendition/index.m3u8', hidden, (request, reply) =>
      media(options, request, reply),
    );
    scope.get('/live/:room/:broadcast/:rendition/:file', hidden, (request, reply) => file(options, request, reply));
  });
}

/** A name that cannot be is a name that is not there. */
function parseName(
  schema: { safeParse(v: unknown): { success: boolean; data?: string | undefined } },
  text: unknown,
): string {
  const parsed = schema.safeParse(text);
  if (!parsed.success || parsed.data === undefined) throw new AppError('not-found');
  return parsed.data;
}

function findRendition(options: PlaybackOptions, request: FastifyRequest): Found & { rendition: string } {
  const params = request.params as Record<string, string>;
  const room = parseName(RoomId, params.room);
  const found = options.find(room, parseName(BroadcastId, params.broadcast));
  const rendition = parseName(RenditionId, params.rendition);
  if (!found?.broadcast.renditions.some((r) => r.id === rendition)) throw new AppError('not-found');
  return { ...found, rendition };
}

async function media(options: PlaybackOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { broadcast, playlists, rendition } = findRendition(options, request);
  options.viewers.seen(broadcast.id, `${request.ip} ${request.headers['user-agent'] ?? ''}`);
  const query = request.query as Record<string, string | string[] | undefined>;
  const position = playlists.blockingPosition({ msn: single(query._HLS_msn), part: single(query._HLS_part) });
  if (position === null) {
    return sendPlaylist(reply, playlists.media(rendition), bareCache(partSeconds(broadcast.grid)));
  }
  await hold(options, broadcast, position, playlists.holdLimitMs, () => {
    throw new AppError('no-capacity', 'The program is held up; ask again.');
  });
  return sendPlaylist(reply, playlists.media(rendition), BLOCKED_PLAYLIST);
}

async function file(options: PlaybackOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { broadcast, playlists, rendition } = findRendition(options, request);
  const [, initName, segmentText, partText] = FILE.exec((request.params as Record<string, string>).file ?? '') ?? [];
  const init = broadcast.inits.get(rendition);
  if (!init) throw new AppError('not-found');
  const type = MEDIA_TYPES[init.info.kind];
  if (initName !== undefined) {
    if (`${initName}.mp4` !== init.name) throw new AppError('not-found');
    return sendMedia(request, reply, init.bytes, type);
  }
  if (segmentText === undefined) throw new AppError('not-found');
  const segment = Number(segmentText);
  if (partText === undefined) {
    const parts = broadcast.store.segment(rendition, segment);
    if (!parts) throw new AppError('not-found');
    return sendMedia(request, reply, Buffer.concat(parts), type);
  }
  const part = Number(partText);
  const position = segment * partsPerSegment(broadcast.grid) + part;
  // Only the part that the playlist hints at is waited for.
  if (part < partsPerSegment(broadcast.grid) && position === broadcast.store.position && position > 0)
    await hold(options, broadcast, position, playlists.holdLimitMs, () => undefined);
  const bytes = broadcast.store.part(rendition, segment, part);
  if (!bytes) throw new AppError('not-found');
  return sendMedia(request, reply, bytes, type);
}

async function hold(
  options: PlaybackOptions,
  { store }: DeliveryBroadcast,
  position: number,
  limitMs: number,
  onTimeout: () => void,
): Promise<void> {
  if (store.waiting >= MAX_WAITING) throw new AppError('no-capacity', 'Too many players are waiting.');
  options.metrics.hlsWaiting.inc();
  try {
    if (!(await store.whenVisible(position, limitMs))) onTimeout();
  } finally {
    options.metrics.hlsWaiting.dec();
  }
}

/** A parameter that is given twice is not one. */
function single(value: string | string[] | undefined): string | undefined {
  if (Array.isArray(value)) throw new AppError('bad-request', 'a directive is given twice');
  return value;
}

/** Less than a part, in whole seconds as HTTP has them: revalidate, but let those who ask at the same moment share. */
const bareCache = (ttlSeconds: number): string =>
  ttlSeconds >= 2 ? `public, max-age=${Math.floor(ttlSeconds) - 1}` : 'no-cache';

function sendPlaylist(reply: FastifyReply, text: Buffer, cacheControl: string): FastifyReply {
  return reply.header('cache-control', cacheControl).type(PLAYLIST_TYPE).send(text);
}

/** One range at most (RFC 9110 section 14); several are answered with everything, which is allowed. */
function sendMedia(request: FastifyRequest, reply: FastifyReply, bytes: Buffer, type: string): FastifyReply {
  reply.header('cache-control', IMMUTABLE).header('accept-ranges', 'bytes').type(type);
  const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return reply.send(bytes);
  const suffix = match[1] === '';
  const start = suffix ? Math.max(0, bytes.length - Number(match[2])) : Number(match[1]);
  const end = suffix || match[2] === '' ? bytes.length - 1 : Math.min(Number(match[2]), bytes.length - 1);
  if (start > end || start >= bytes.length) {
    reply.header('content-range', `bytes */${bytes.length}`).header('cache-control', 'no-store');
    return reply
      .code(416)
      .type('application/json')
      .send(JSON.stringify({ error: new AppError('bad-request', 'no such range').toJSON() }));
  }
  return reply
    .code(206)
    .header('content-range', `bytes ${start}-${end}/${bytes.length}`)
    .send(bytes.subarray(start, end + 1));
}

function count({ metrics }: PlaybackOptions, request: FastifyRequest, reply: FastifyReply): void {
  const kind = kindOf(request.url.replace(/\?.*$/s, ''));
  metrics.hlsRequests.inc({ kind, status: `${Math.floor(reply.statusCode / 100)}xx` });
  const bytes = Number(reply.getHeader('content-length') ?? 0);
  if (request.method === 'GET' && Number.isFinite(bytes)) metrics.hlsBytes.inc({ kind }, bytes);
}

function kindOf(path: string): Kind {
  if (path.endsWith('/state.json')) return 'state';
  if (path.endsWith('.m3u8')) return path.split('/').length === 4 ? 'multivariant' : 'playlist';
  if (path.endsWith('.mp4')) return 'init';
  return /\.\d+\.m4s$/.test(path) ? 'part' : 'segment';
}
