/**
 * What players ask for by the thousand, whole parts and blocking reloads of a live playlist, answered before the router has looked at
 * the request: the router, its hooks and a promise for each held request take twice the CPU of the answer itself. In: requests of
 * node's HTTP/1.1 server. Out: the very answers that playbackRoutes.ts would give; whatever is not as plain as that is left to it.
 *
 * All who wait for the same part are held as one.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../contracts/errors.ts';
import { type Grid, partsPerSegment } from '../../contracts/grid.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import type { Directives } from '../hls/directives.ts';
import type { PlaylistCache } from '../hls/PlaylistCache.ts';
import { targetDurationSeconds } from '../hls/playlists.ts';
import type { DeliveryMetrics } from '../metrics.ts';
import type { ViewerBytes } from '../ViewerBytes.ts';
import type { Viewers } from '../Viewers.ts';
import { COMMON_HEADERS, HELD_UP, MEDIA_TYPES, PLAYLIST_TYPE, RETRY_AFTER_SECONDS } from './answerHeaders.ts';
import { blockedPlaylist, cacheControl, errorFreshness } from './cachePolicy.ts';
import { type Coding, chooseCoding } from './contentCoding.ts';
import { EncodedText } from './EncodedText.ts';

/** Requests that may be held at the same time. */
const MAX_HELD = 50_000;
/** Different Accept-Encoding headers, and grids, that are remembered: there is a handful of either. */
const MAX_REMEMBERED = 100;

const NUMBER = '0|[1-9]\\d{0,11}';
const PATH = new RegExp(
  `^/live/([a-z0-9][a-z0-9_-]{0,63})/(\\w{1,64})/(\\w{1,16})/(?:(${NUMBER})\\.(0|[1-9]\\d{0,2})\\.m4s|` +
    `index\\.m3u8\\?_HLS_msn=(${NUMBER})(?:&_HLS_part=(${NUMBER}))?(?:&_HLS_skip=(YES|v2))?)$`,
);
/** Who sends one of these wants something special. */
const SPECIAL = ['range', 'if-none-match', 'if-range', 'authorization', 'x-forwarded-for', 'forwarded'] as const;

interface Found {
  broadcast: DeliveryBroadcast;
  playlists: PlaylistCache;
}

interface Held {
  response: ServerResponse;
  request: IncomingMessage;
  directives: Directives;
  untilMs: number;
}

/** All who wait for one position of one rendition. */
interface Group {
  found: Found;
  rendition: string;
  position: number;
  held: Set<Held>;
}

export interface FastLaneOptions {
  find(room: string, broadcast: string): Found | undefined;
  viewers: Viewers;
  viewerBytes: ViewerBytes;
  metrics: Pick<DeliveryMetrics, 'hlsRequests' | 'hlsBytes' | 'hlsWaiting'>;
  /** Throws for a request that must not be answered; the router then says so. */
  guard: (request: IncomingMessage) => void;
  /** Answers what is left to the router. */
  route: (request: IncomingMessage, response: ServerResponse) => void;
}

export class FastLane {
  readonly #options: FastLaneOptions;
  readonly #groups = new Map<string, Group>();
  readonly #codings = new Map<string, Coding>();
  readonly #mediaHeaders: Record<'video' | 'audio', readonly string[]>;
  readonly #playlistHeaders = new Map<Grid, readonly string[]>();
  #held = 0;
  /** What is not yet added to the metrics: a counter with labels costs as much as all else here. */
  #counted = { part: { answers: 0, bytes: 0 }, playlist: { answers: 0, bytes: 0 } };
  #countScheduled = false;

  constructor(options: FastLaneOptions) {
    this.#options = options;
    const common = Object.entries(COMMON_HEADERS).flat();
    const immutable = ['cache-control', cacheControl('immutable'), 'accept-ranges', 'bytes'];
    const media = (kind: 'video' | 'audio') => [...common, ...immutable, 'content-type', MEDIA_TYPES[kind]];
    this.#mediaHeaders = { video: media('video'), audio: media('audio') };
  }

  /** Answers the request, now or when its time has come, or leaves it to the router. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#take(request, response)) this.#options.route(request, response);
  }

  #take(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== 'GET' || request.httpVersionMajor !== 1) return false;
    const match = PATH.exec(request.url ?? '');
    if (!match || SPECIAL.some((name) => request.headers[name] !== undefined)) return false;
    const [, room = '', id = '', rendition = '', segment, part, msn, wantedPart, skip] = match;
    const found = this.#options.find(room, id);
    if (found?.broadcast.playback !== 'open') return false;
    const kind = found.broadcast.inits.get(rendition)?.info.kind;
    if (kind === undefined || !this.#isWelcome(request)) return false;
    if (segment !== undefined) return this.#part(response, found, rendition, kind, Number(segment), Number(part));
    const directives = {
      msn: Number(msn),
      part: wantedPart === undefined ? null : Number(wantedPart),
      skip: skip !== undefined,
    };
    return this.#playlist({ request, response, directives, untilMs: 0 }, found, rendition);
  }

  #isWelcome(request: IncomingMessage): boolean {
    try {
      this.#options.guard(request);
      return true;
    } catch {
      return false;
    }
  }

  #part(
    response: ServerResponse,
    { broadcast }: Found,
    rendition: string,
    kind: 'video' | 'audio',
    segment: number,
    part: number,
  ): boolean {
    const { store, grid } = broadcast;
    if (segment * partsPerSegment(grid) + part >= store.position) return false;
    const bytes = store.part(rendition, segment, part);
    if (!bytes) return false;
    const own = ['etag', `"${segment}.${part}.m4s"`, 'content-length', String(bytes.length)];
    response.writeHead(200, [...this.#mediaHeaders[kind], ...own]);
    response.end(bytes);
    this.#count('part', broadcast, bytes.length);
    return true;
  }

  #playlist(held: Held, found: Found, rendition: string): boolean {
    const { broadcast, playlists } = found;
    let position: number | null;
    try {
      position = playlists.blockingPosition(held.directives);
    } catch {
      return false;
    }
    if (position === null) return false;
    const { store } = broadcast;
    if (position >= store.position && this.#held >= MAX_HELD) return false;
    this.#options.viewers.seen(broadcast.id, {
      ip: held.request.socket.remoteAddress ?? '',
      headers: held.request.headers,
    });
    if (position < store.position) this.#sendPlaylist(held, found, rendition);
    else this.#hold(held, found, rendition, position);
    return true;
  }

  #hold(held: Held, found: Found, rendition: string, position: number): void {
    const { broadcast, playlists } = found;
    held.untilMs = performance.now() + playlists.holdLimitMs;
    const key = `${broadcast.id} ${rendition} ${position}`;
    let group = this.#groups.get(key);
    if (!group) {
      group = { found, rendition, position, held: new Set() };
      this.#groups.set(key, group);
      void this.#await(key, group);
    }
    const { held: all } = group;
    all.add(held);
    this.#countHeld(1);
    held.response.once('close', () => {
      if (all.delete(held)) this.#countHeld(-1);
    });
  }

  #countHeld(change: 1 | -1): void {
    this.#held += change;
    if (change > 0) this.#options.metrics.hlsWaiting.inc();
    else this.#options.metrics.hlsWaiting.dec();
  }

  /** Until the position is there; those who have waited for as long as may be are told. */
  async #await(key: string, group: Group): Promise<void> {
    const { found, rendition, position } = group;
    const { store } = found.broadcast;
    for (;;) {
      // A microtask later the first one is in it.
      await Promise.resolve();
      const oldest = group.held.values().next().value;
      if (!oldest) break;
      const reached = await store.whenVisible(position, Math.max(1, oldest.untilMs - performance.now()));
      const now = performance.now();
      const moved = found.broadcast.movedTo !== null;
      for (const held of group.held) {
        if (!reached && !store.closed && held.untilMs > now) break;
        group.held.delete(held);
        this.#countHeld(-1);
        if (moved) this.#options.route(held.request, held.response);
        else if (reached) this.#sendPlaylist(held, found, rendition);
        else this.#giveUp(held.response);
      }
      if (group.held.size === 0) break;
    }
    this.#groups.delete(key);
  }

  #sendPlaylist({ request, response, directives }: Held, found: Found, rendition: string): void {
    const { broadcast, playlists } = found;
    const text = EncodedText.of(playlists.media(rendition, directives));
    const coding = this.#codingOf(request.headers['accept-encoding']);
    const body = text.body(coding);
    const own = ['etag', text.etag(coding), 'content-length', String(body.length)];
    if (coding !== 'identity') own.push('content-encoding', coding);
    response.writeHead(200, [...this.#headersOf(broadcast.grid), ...own]);
    response.end(body);
    this.#count('playlist', broadcast, body.length);
  }

  /** As playAccess.ts answers errors. */
  #giveUp(response: ServerResponse): void {
    const error = new AppError('no-capacity', HELD_UP);
    const body = Buffer.from(JSON.stringify({ error: error.toJSON() }));
    response.writeHead(error.status, {
      ...COMMON_HEADERS,
      ...{ 'cache-control': cacheControl(errorFreshness(error.code)), 'retry-after': RETRY_AFTER_SECONDS },
      ...{ 'content-type': 'application/json; charset=utf-8', 'content-length': body.length },
    });
    response.end(body);
    this.#options.metrics.hlsRequests.inc({ kind: 'playlist', status: '5xx' });
  }

  #headersOf(grid: Grid): readonly string[] {
    let headers = this.#playlistHeaders.get(grid);
    if (!headers) {
      const freshness = cacheControl(blockedPlaylist(targetDurationSeconds(grid)));
      headers = [
        ...Object.entries(COMMON_HEADERS).flat(),
        ...['cache-control', freshness, 'vary', 'accept-encoding', 'content-type', PLAYLIST_TYPE],
      ];
      if (this.#playlistHeaders.size >= MAX_REMEMBERED) this.#playlistHeaders.clear();
      this.#playlistHeaders.set(grid, headers);
    }
    return headers;
  }

  #codingOf(acceptEncoding: string | undefined): Coding {
    if (acceptEncoding === undefined) return 'identity';
    let coding = this.#codings.get(acceptEncoding);
    if (!coding) {
      coding = chooseCoding(acceptEncoding);
      if (this.#codings.size >= MAX_REMEMBERED) this.#codings.clear();
      this.#codings.set(acceptEncoding, coding);
    }
    return coding;
  }

  #count(kind: 'part' | 'playlist', broadcast: DeliveryBroadcast, bytes: number): void {
    this.#options.viewerBytes.add(broadcast, bytes);
    const counted = this.#counted[kind];
    counted.answers += 1;
    counted.bytes += bytes;
    if (this.#countScheduled) return;
    this.#countScheduled = true;
    setImmediate(() => this.#tell());
  }

  #tell(): void {
    this.#countScheduled = false;
    const { hlsRequests, hlsBytes } = this.#options.metrics;
    for (const kind of ['part', 'playlist'] as const) {
      const counted = this.#counted[kind];
      if (counted.answers === 0) continue;
      hlsRequests.inc({ kind, status: '2xx' }, counted.answers);
      hlsBytes.inc({ kind }, counted.bytes);
      this.#counted[kind] = { answers: 0, bytes: 0 };
    }
  }
}
