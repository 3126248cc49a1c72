import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { RoomId } from '../contracts/ids.ts';

/**
 * Only our own files, no inline script. hls.js transmuxes in a worker made from a blob, feeds MediaSource by a blob URL, and makes
 * text tracks from an empty data: URL.
 * WebSockets: 'self' covers ws: and wss: of our own origin in current browsers (CSP level 3).
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' blob: data:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ');
/** Who may show a page in a frame of theirs: only the player is for everybody. */
const policyFor = (ancestors: string): string => `${POLICY}; frame-ancestors ${ancestors}`;

/** The player alone, for pages of others. */
const EMBED = 'embed.html';
/** The page itself takes the playback token out of the address. */
const WATCH_PATHS = ['/watch/:room', '/watch/~:token/:room'];

const PAGE_HEADERS = {
  'content-security-policy': policyFor("'self'"),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'permissions-policy':
    'camera=(self), microphone=(self), display-capture=(self), autoplay=(self), fullscreen=(self), picture-in-picture=(self)',
  'cache-control': 'no-cache',
};

const EMBED_HEADERS = {
  ...PAGE_HEADERS,
  'content-security-policy': policyFor('*'),
  'permissions-policy': 'camera=(), microphone=(), display-capture=()',
};

/** Serves the built pages from `root`, all or only the one for viewers; false when they were never built. */
export async function registerPages(fastify: FastifyInstance, root: string, pages: 'all' | 'watch'): Promise<boolean> {
  if (!existsSync(join(root, 'index.html'))) return false;
  await fastify.register(fastifyStatic, {
    root,
    prefix: '/',
    wildcard: false,
    index: false,
    // client/vite.config.ts puts a .br and a .gz beside each text file.
    preCompressed: true,
    maxAge: '1y',
    immutable: true,
    setHeaders: (reply, path) => {
      if (!path.includes('assets')) reply.header('cache-control', 'no-cache');
    },
  });
  const page = (file: string) => (_request: unknown, reply: FastifyReply) =>
    reply.headers(file === EMBED ? EMBED_HEADERS : PAGE_HEADERS).sendFile(file, { cacheControl: false });
  // The page itself says what is wrong with the name of a room.
  const roomPage = (file: string) => (request: { params: unknown }, reply: FastifyReply) => {
    const { room } = request.params as { room: string };
    if (!RoomId.safeParse(room).success) reply.code(400);
    return page(file)(request, reply);
  };
  for (const path of WATCH_PATHS) fastify.get(path, { schema: { hide: true } }, roomPage('watch.html'));
  fastify.get('/embed/:room', { schema: { hide: true } }, roomPage(EMBED));
  if (pages === 'watch') return true;
  fastify.get('/', { schema: { hide: true } }, page('index.html'));
  fastify.get('/studio/:room', { schema: { hide: true } }, roomPage('studio.html'));
  return true;
}
