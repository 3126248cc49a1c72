/** The routes under `/v1`, and `/openapi.json`, which is generated from the same schemas. */
import fastifySwagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AssetStore } from '../assets/AssetStore.ts';
import { registerAssets } from '../assets/assetRoutes.ts';
import { requireAssets } from '../assets/sceneAssets.ts';
import type { BroadcastService } from '../broadcast/BroadcastService.ts';
import { newId } from '../common/ids.ts';
import {
  ErrorAnswer,
  PlayTokenAnswer,
  PlayTokenInput,
  RoomSummary,
  SceneAnswer,
  TokenAnswer,
  TokenInput,
} from '../contracts/api.ts';
import { BroadcastInput, BroadcastStatus, DestinationInput } from '../contracts/broadcast.ts';
import { DestinationStatus } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import { RoomId } from '../contracts/ids.ts';
import { Scene } from '../contracts/scene.ts';
import type { ScheduleService } from '../schedule/ScheduleService.ts';
import { bearerOf, type Tokens } from '../tokens/Tokens.ts';
import type { ServerUsage } from '../usage/ServerUsage.ts';
import { registerUsage } from '../usage/usageRoutes.ts';
import type { Endpoints } from '../webhooks/Endpoints.ts';
import { openApiWebhooks } from '../webhooks/openApiWebhooks.ts';
import { registerWebhooks } from '../webhooks/webhookRoutes.ts';
import type { ApiFleet } from './ApiFleet.ts';
import type { ApiRooms } from './ApiRooms.ts';
import { registerCaptions } from './captionRoutes.ts';
import { registerHealthRoute } from './healthRoute.ts';
import { registerInvitations } from './invitationRoutes.ts';
import type { RecordingsClient } from './RecordingsClient.ts';
import { registerRecordingApi } from './recordingApi.ts';
import { registerSchedules } from './scheduleRoutes.ts';

export interface ApiOptions {
  /** Without a secret whoever the request guard lets in may use the API. */
  open: boolean;
  tokens: Tokens;
  rooms: ApiRooms;
  broadcasts: BroadcastService;
  schedules: ScheduleService;
  assets: AssetStore;
  webhooks: Endpoints;
  recordings: RecordingsClient;
  /** The other SFU nodes. Left out: there are none. */
  fleet?: ApiFleet | undefined;
  /** Left out: there is no ledger. */
  usage?: Pick<ServerUsage, 'query' | 'prices'> | undefined;
  version: string;
}

/** A token is made by any node: all have the secret. */
const ANYWHERE = /tokens$/;
const InRoom = z.object({ room: RoomId });
const failures = { '4xx': ErrorAnswer, '5xx': ErrorAnswer };

export async function registerApi(fastify: FastifyInstance, options: ApiOptions): Promise<void> {
  await fastify.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Lianmai',
        version: options.version,
        description:
          'Rooms, broadcasts, schedules, scenes, images and sounds, destinations, recordings, webhooks, usage.',
      },
      components: {
        securitySchemes: {
          api: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A token of audience `api`.' },
        },
      },
      security: [{ api: [] }],
      webhooks: openApiWebhooks(),
    },
    transform: jsonSchemaTransform,
  });
  await fastify.register(
    async (scope) => {
      scope.addHook('onRequest', async (request) => {
        if (!options.open) await options.tokens.verify(bearerOf(request.headers.authorization), 'api');
      });
      const { fleet } = options;
      if (fleet)
        scope.addHook('preValidation', async (request, reply) =>
          ANYWHERE.test(request.routeOptions.url ?? '') ? undefined : fleet.toHome(request, reply),
        );
      roomRoutes(scope, options);
      broadcastRoutes(scope, options);
      sceneRoutes(scope, options);
      registerHealthRoute(scope, options.rooms);
      registerInvitations(scope, options.rooms.invitations);
      registerSchedules(scope, options.schedules);
      registerWebhooks(scope, options.webhooks);
      registerRecordingApi(scope, options.recordings);
      if (options.usage) registerUsage(scope, options.usage);
    },
    { prefix: '/v1' },
  );
  const { open, tokens, assets, rooms, fleet } = options;
  await fastify.register(
    async (scope) => {
      if (fleet) scope.addHook('preValidation', (request, reply) => fleet.toHome(request, reply));
      registerCaptions(scope, { open, tokens, captions: rooms.captions, broadcasts: options.broadcasts });
    },
    { prefix: '/v1' },
  );
  await fastify.register(
    async (scope) =>
      registerAssets(scope, { open, tokens, assets, scenes: () => rooms.scenes(), fleet: fleet?.assets }),
    { prefix: '/v1' },
  );
  fastify.get('/openapi.json', { schema: { hide: true } }, async () => fastify.swagger());
}

function roomRoutes(fastify: FastifyInstance, { tokens, rooms, broadcasts, schedules, fleet }: ApiOptions): void {
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  api.post(
    '/rooms/:room/tokens',
    {
      schema: {
        summary: 'Make a token to join a room',
        tags: ['rooms'],
        params: InRoom,
        body: TokenInput,
        response: { 201: TokenAnswer, ...failures },
      },
    },
    async (request, reply) => {
      const { role, name, expiresInSeconds, identity = newId('p') } = request.body;
      const { room } = request.params;
      const token = await tokens.sign(
        { aud: 'join', sub: identity, room, role, ...(name ? { name } : {}) },
        expiresInSeconds,
      );
      const path = `/studio/${room}#token=${token}`;
      return reply.code(201).send({ token, identity, expiresAt: Date.now() + expiresInSeconds * 1000, path });
    },
  );
  api.post(
    '/rooms/:room/play-tokens',
    {
      schema: {
        summary: 'Make a token to watch a room whose broadcast has `playback: token`',
        tags: ['rooms'],
        params: InRoom,
        body: PlayTokenInput,
        response: { 201: PlayTokenAnswer, ...failures },
      },
    },
    async (request, reply) => {
      const { expiresInSeconds, identity = newId('p') } = request.body;
      const { room } = request.params;
      const token = await tokens.sign({ aud: 'play', sub: identity, room }, expiresInSeconds);
      return reply.code(201).send({
        token,
        identity,
        expiresAt: Date.now() + expiresInSeconds * 1000,
        path: `/watch/${room}#token=${token}`,
        playlist: `/live/~${token}/${room}/index.m3u8`,
      });
    },
  );
  api.get(
    '/rooms',
    {
      schema: {
        summary: 'All rooms',
        tags: ['rooms'],
        response: { 200: z.object({ rooms: z.array(RoomSummary) }), ...failures },
      },
    },
    async (request) => {
      const others = (await fleet?.otherRooms(request)) ?? [];
      const own = rooms.list().map((room) => rooms.summary(room, broadcasts.status(room.id)));
      // Race: one that has moved while others were asked is told of once.
      const elsewhere = others.filter(({ id }) => !own.some((room) => room.id === id));
      return { rooms: [...own, ...elsewhere].sort((a, b) => a.createdAt - b.createdAt) };
    },
  );
  api.get(
    '/rooms/:room',
    { schema: { summary: 'One room', tags: ['rooms'], params: InRoom, response: { 200: RoomSummary, ...failures } } },
    async (request) => {
      const room = rooms.get(request.params.room);
      if (!room) throw new AppError('not-found', 'Nobody is in this room.');
      return rooms.summary(room, broadcasts.status(room.id));
    },
  );
  api.delete(
    '/rooms/:room',
    {
      schema: {
        summary:
          'Close a room: its broadcast ends, the next is called off, everybody is sent away, its scene is forgotten',
        tags: ['rooms'],
        params: InRoom,
        response: { 204: z.null(), ...failures },
      },
    },
    async (request, reply) => {
      const { room } = request.params;
      const scheduled = schedules.get(room) !== null;
      const known = scheduled || rooms.get(room) || rooms.scenes().some(([id]) => id === room);
      if (!known) throw new AppError('not-found', 'Nobody is in this room.');
      await broadcasts.stop(room, 'room-closed').catch((error: unknown) => {
        if (!(error instanceof AppError && error.code === 'no-broadcast')) throw error;
      });
      if (scheduled) await schedules.cancel(room);
      await rooms.close(room);
      return reply.code(204).send(null);
    },
  );
}

const RECORD_ROUTES = [
  ['put', true, 'Begin a recording of the live broadcast, with the segment that is shown now'],
  ['delete', false, 'End the recording while the broadcast goes on; it is finished at once'],
] as const;

function broadcastRoutes(fastify: FastifyInstance, { rooms, broadcasts }: ApiOptions): void {
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  const tags = ['broadcast'];
  api.put(
    '/rooms/:room/broadcast',
    {
      schema: {
        summary: 'Go live; answers the running broadcast when the room is live already',
        description:
          'Answers when the broadcast is live. When no compositor is free, or its tenant has as much as it may, the answer is 202: the broadcast is `pending`, `position` is its place in the queue, and it starts by itself. `DELETE` ends one that waits, too.',
        tags,
        params: InRoom,
        body: BroadcastInput,
        response: { 200: BroadcastStatus, 202: BroadcastStatus, ...failures },
      },
    },
    async (request, reply) => {
      const status = await broadcasts.start(await rooms.getOrCreate(request.params.room), request.body);
      const waits = status.state === 'pending' || status.state === 'starting';
      return reply.code(waits ? 202 : 200).send(status);
    },
  );
  api.get(
    '/rooms/:room/broadcast',
    {
      schema: {
        summary: 'The newest broadcast',
        tags,
        params: InRoom,
        response: { 200: BroadcastStatus, ...failures },
      },
    },
    async (request) => {
      const { room } = request.params;
      // While another node hands the show on, it is live, though not known here yet.
      await broadcasts.settled(room);
      const status = broadcasts.status(room);
      if (!status) throw new AppError('no-broadcast');
      return status;
    },
  );
  api.delete(
    '/rooms/:room/broadcast',
    { schema: { summary: 'Stop', tags, params: InRoom, response: { 200: BroadcastStatus, ...failures } } },
    async (request) => broadcasts.stop(request.params.room, 'stopped'),
  );
  for (const [method, on, summary] of RECORD_ROUTES)
    api[method](
      '/rooms/:room/broadcast/recording',
      { schema: { summary, tags, params: InRoom, response: { 200: BroadcastStatus, ...failures } } },
      async (request) => broadcasts.record(request.params.room, on),
    );
  api.post(
    '/rooms/:room/broadcast/handoff',
    {
      schema: {
        summary: 'Hand the broadcast over to a compositor of another agent, without a frame lost; answers when it is',
        tags,
        params: InRoom,
        response: { 200: BroadcastStatus, ...failures },
      },
    },
    async (request) => broadcasts.handOver(request.params.room),
  );
  api.post(
    '/rooms/:room/destinations',
    {
      schema: {
        summary: 'Push the program to an RTMP or SRT server',
        tags,
        params: InRoom,
        body: DestinationInput,
        response: { 201: DestinationStatus, ...failures },
      },
    },
    async (request, reply) => reply.code(201).send(await broadcasts.addDestination(request.params.room, request.body)),
  );
  api.delete(
    '/rooms/:room/destinations/:id',
    {
      schema: {
        summary: 'Stop pushing there',
        tags,
        params: InRoom.extend({ id: z.string().max(64) }),
        response: { 204: z.null(), ...failures },
      },
    },
    async (request, reply) => {
      await broadcasts.removeDestination(request.params.room, request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function sceneRoutes(fastify: FastifyInstance, { rooms, broadcasts, assets }: ApiOptions): void {
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  const tags = ['scene'];
  api.get(
    '/rooms/:room/scene',
    {
      schema: {
        summary: 'The scene; its version is the ETag. A room need not be open for it',
        tags,
        params: InRoom,
        response: { 200: SceneAnswer, ...failures },
      },
    },
    async (request, reply) => {
      const scene = rooms.scene(request.params.room);
      return reply.header('etag', `"${scene.version}"`).send({ ...scene, fromFrame: null });
    },
  );
  api.put(
    '/rooms/:room/scene',
    {
      schema: {
        summary: 'Set the whole scene; answers the frame of the program from which it holds',
        tags,
        params: InRoom,
        headers: z.object({
          'if-match': z.string().max(64).optional().describe('The version that you have read, as in its ETag.'),
        }),
        body: Scene,
        response: { 200: SceneAnswer, ...failures },
      },
    },
    async (request, reply) => {
      const version = Number(request.headers['if-match']?.match(/^(?:W\/)?"?(\d{1,15})"?$/)?.[1] ?? Number.NaN);
      if (Number.isNaN(version)) throw new AppError('precondition-required');
      const { room } = request.params;
      await requireAssets(request.body, assets);
      const scene = rooms.setScene(room, request.body, version);
      const fromFrame = await broadcasts.applyScene(room);
      return reply.header('etag', `"${scene.version}"`).send({ ...scene, fromFrame });
    },
  );
}
