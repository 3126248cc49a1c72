/**
 * The assets' routes on both ports. On the public one: whoever has an `api` token may do all; a host may upload with the `join` token
 * of their room, and everybody who joins a show's stage may look. On the internal one compositors fetch with a `service` token
 * (previous: AssetStore.ts, next: compositor/assets).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ErrorAnswer } from '../contracts/api.ts';
import { Asset, AssetList, MAX_ASSET_BYTES } from '../contracts/assets.ts';
import { AppError } from '../contracts/errors.ts';
import { RoomId } from '../contracts/ids.ts';
import { AssetId, type VersionedScene } from '../contracts/scene.ts';
import { allowMember } from '../tokens/allowMember.ts';
import { bearerOf, type Tokens } from '../tokens/Tokens.ts';
import type { AssetStore } from './AssetStore.ts';
import { assetsOf } from './sceneAssets.ts';

export interface AssetRoutesOptions {
  /** Without a secret whoever the request guard lets in may do all. */
  open: boolean;
  tokens: Tokens;
  assets: AssetStore;
  /** Every scene that is kept, with its room. */
  scenes: () => [RoomId, VersionedScene][];
  /** The other nodes' assets. Left out: there are none. */
  fleet?: AssetFleet | undefined;
}

export interface AssetFleet {
  list(request: FastifyRequest): Promise<Asset[]>;
  /** True: some had it. Throws AppError `conflict` when a scene of theirs names it. */
  delete(request: FastifyRequest, id: string): Promise<boolean>;
}

const failures = { '4xx': ErrorAnswer, '5xx': ErrorAnswer };
const WithId = z.object({ id: AssetId });
const tags = ['assets'];
/** What the answer is, for the API's description: bytes have no schema. */
const UPLOAD = `The file itself is the body, at most ${MAX_ASSET_BYTES / 1024 ** 2} MB: PNG, JPEG, WebP, SVG, MP3, AAC, Ogg, FLAC, WAV or M4A.`;

/** In `/v1`. Bodies are bytes here, whatever their content type says. */
export function registerAssets(fastify: FastifyInstance, options: AssetRoutesOptions): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_ASSET_BYTES }, (_request, body, done) =>
    done(null, body),
  );
  uploads(fastify, options);
  keeping(fastify, options);
}

async function isApi({ open, tokens }: AssetRoutesOptions, request: FastifyRequest): Promise<void> {
  if (!open) await tokens.verify(bearerOf(request.headers.authorization), 'api');
}

/** A `join` token that `fits`, or what `isApi` takes. */
const isMember = (
  options: AssetRoutesOptions,
  request: FastifyRequest,
  fits: (claims: { role: string; room: string }) => boolean,
): Promise<void> => allowMember(options, request.headers.authorization, fits);

function uploads(fastify: FastifyInstance, options: AssetRoutesOptions): void {
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  const upload = async (request: FastifyRequest, reply: FastifyReply) => {
    const { body } = request;
    if (!(body instanceof Buffer) || body.length === 0) throw new AppError('bad-request', 'The body is empty.');
    return reply.code(201).send(await options.assets.put(body));
  };
  const described = { tags, consumes: ['application/octet-stream'], description: UPLOAD };
  api.post(
    '/assets',
    {
      bodyLimit: MAX_ASSET_BYTES,
      onRequest: (request) => isApi(options, request),
      schema: { summary: 'Upload an image or a sound', ...described, response: { 201: Asset, ...failures } },
    },
    upload,
  );
  api.post(
    '/rooms/:room/assets',
    {
      bodyLimit: MAX_ASSET_BYTES,
      onRequest: (request) => {
        const { room } = request.params as { room: string };
        return isMember(options, request, (claims) => claims.role === 'host' && claims.room === room);
      },
      schema: {
        summary: 'Upload an image or a sound, as a host of the room with its `join` token',
        ...described,
        params: z.object({ room: RoomId }),
        response: { 201: Asset, ...failures },
      },
    },
    upload,
  );
}

function keeping(fastify: FastifyInstance, options: AssetRoutesOptions): void {
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  const { assets } = options;
  api.get(
    '/assets',
    {
      onRequest: (request) => isApi(options, request),
      schema: { summary: 'All images and sounds', tags, response: { 200: AssetList, ...failures } },
    },
    async (request) => {
      const own = assets.list();
      const others = ((await options.fleet?.list(request)) ?? []).filter(({ id }) => !assets.get(id));
      const all = [...own, ...new Map(others.map((asset) => [asset.id, asset])).values()];
      return { assets: all, bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), maxBytes: assets.maxBytes };
    },
  );
  api.get(
    '/assets/:id',
    {
      onRequest: (request) => isMember(options, request, (claims) => claims.role !== 'audience'),
      schema: { summary: 'The bytes; `join` tokens of hosts and co-hosts are taken too', tags, params: WithId },
    },
    async (request, reply) => sendAsset(assets, request.params.id, reply),
  );
  api.delete(
    '/assets/:id',
    {
      onRequest: (request) => isApi(options, request),
      schema: {
        summary: 'Delete an image or a sound; `conflict` while a scene names it',
        tags,
        params: WithId,
        response: { 204: z.null(), ...failures },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const user = options.scenes().find(([, { scene }]) => assetsOf(scene).some((named) => named.id === id));
      if (user) throw new AppError('conflict', `The scene of room ${user[0]} names it.`);
      const elsewhere = (await options.fleet?.delete(request, id)) ?? false;
      if (!elsewhere || assets.get(id)) await assets.delete(id);
      return reply.code(204).send(null);
    },
  );
}

/** Asks for what this node itself has: one node asks another. */
export const OWN_ASSET = '?own';

/** On the internal port: for compositors, and for other nodes. */
export function registerAssetSource(
  internal: FastifyInstance,
  { assets, verifyService }: { assets: AssetStore; verifyService: (token: string | undefined) => Promise<void> },
): void {
  internal.withTypeProvider<ZodTypeProvider>().get(
    '/assets/:id',
    {
      onRequest: (request) => verifyService(bearerOf(request.headers.authorization)),
      schema: { hide: true, params: WithId },
    },
    async (request, reply) => sendAsset(assets, request.params.id, reply, { own: request.url.endsWith(OWN_ASSET) }),
  );
}

/** A file of somebody's own on our origin: nothing in it may run, and an SVG is never opened as a page. */
async function sendAsset(
  assets: AssetStore,
  id: string,
  reply: FastifyReply,
  options: { own?: boolean } = {},
): Promise<FastifyReply> {
  const { asset, content } = await assets.read(id, options);
  if (asset.type === 'image/svg+xml') reply.header('content-disposition', `attachment; filename="${id}.svg"`);
  return reply
    .headers({
      'content-type': asset.type,
      'cache-control': 'private, max-age=31536000, immutable',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      etag: `"${id}"`,
    })
    .send(content);
}
