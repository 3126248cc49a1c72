/**
 * The old node's side of a move, on the internal port: what there is of a broadcast, for the node that it moves to (MoveIn.ts asks).
 *
 *   GET  /delivery/moves/BROADCAST[?final=true]          MoveManifest; `final` waits until nothing is added any more
 *   GET  /delivery/moves/BROADCAST/RENDITION/init|slate|K    bytes
 *   POST /delivery/moves/BROADCAST/done                  MoveDone: the other node has taken it over
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '../../contracts/errors.ts';
import { partsPerSegment } from '../../contracts/grid.ts';
import { BroadcastId, RenditionId } from '../../contracts/ids.ts';
import type { BroadcastArchive } from '../archive/BroadcastArchive.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import { bearerToken } from '../intakeRoutes.ts';
import type { RecordingRecord } from '../recording/RecordingRecord.ts';
import { MoveDone, type MoveManifest } from './MoveManifest.ts';

/** How long the question for the last state is held, ms; then it is asked again. */
const FINAL_WAIT_MS = 10_000;

/** A broadcast that is here. */
export interface MoveSource {
  broadcast: DeliveryBroadcast;
  archive: BroadcastArchive | undefined;
  recording: RecordingRecord | null;
}

export interface MoveRoutesOptions {
  find(broadcast: string): MoveSource | undefined;
  /** The other node has taken it over. */
  done(broadcast: string, complete: boolean): void;
  verifyService(token: string | undefined): Promise<void>;
}

const Params = z.object({ broadcast: BroadcastId });
const FileParams = Params.extend({
  rendition: RenditionId,
  file: z.union([z.literal('init'), z.literal('slate'), z.coerce.number().pipe(z.int().min(0))]),
});
const Query = z.object({ final: z.literal('true').optional() });

/** Call before the server listens. */
export function registerMoveRoutes(fastify: FastifyInstance, options: MoveRoutesOptions): void {
  void fastify.register(async (scope) => {
    scope.addHook('onRequest', async (request) => {
      await options.verifyService(bearerToken(request.headers.authorization));
    });
    const config = { schema: { hide: true } };
    scope.get('/delivery/moves/:broadcast', config, async (request) => {
      const source = find(options, Params.safeParse(request.params).data);
      if (Query.safeParse(request.query).data?.final) await untilFinal(source.broadcast);
      return manifestOf(source);
    });
    scope.get('/delivery/moves/:broadcast/:rendition/:file', config, async (request, reply) => {
      const bytes = await fileOf(options, request);
      if (!bytes) throw new AppError('not-found', 'It is not here.');
      return reply.type('application/octet-stream').send(bytes);
    });
    scope.post('/delivery/moves/:broadcast/done', config, async (request, reply) => {
      const { broadcast } = find(options, Params.safeParse(request.params).data);
      const done = MoveDone.safeParse(request.body);
      if (!done.success) throw new AppError('bad-request');
      options.done(broadcast.id, done.data.complete);
      return reply.code(204).send();
    });
  });
}

function find({ find }: MoveRoutesOptions, params: { broadcast: string } | undefined): MoveSource {
  const source = params && find(params.broadcast);
  if (!source) throw new AppError('not-found', 'There is no such broadcast.');
  return source;
}

async function fileOf(options: MoveRoutesOptions, request: FastifyRequest): Promise<Buffer | null | undefined> {
  const params = FileParams.safeParse(request.params).data;
  if (!params) return null;
  const { broadcast, archive } = find(options, params);
  const { rendition, file } = params;
  if (file === 'init') return broadcast.inits.get(rendition)?.bytes;
  if (file === 'slate') return broadcast.slates.bytes(rendition);
  return (await broadcast.store.readSegment(rendition, file)) ?? archive?.segment(rendition, file);
}

async function untilFinal({ store, grid }: DeliveryBroadcast): Promise<void> {
  const end = store.stopBefore * partsPerSegment(grid);
  // Not yielded yet: the first part that comes, or the time, has it asked again.
  await store.whenVisible(Number.isFinite(end) ? end - 1 : store.position, FINAL_WAIT_MS);
}

function manifestOf({ broadcast, archive, recording }: MoveSource): MoveManifest {
  const { store, inits, slates, renditions, grid, captions } = broadcast;
  const listed = store.listed();
  const ids = renditions.map(({ id }) => id);
  const whole = listed.filter(({ state }) => state === 'complete').map(({ number }) => number);
  return {
    version: 1,
    final: store.position >= store.stopBefore * partsPerSegment(grid),
    first: listed[0]?.number ?? null,
    next: store.position,
    inits: ids.filter((id) => inits.get(id) !== undefined),
    slates: ids.filter((id) => slates.bytes(id) !== undefined),
    segments: [...new Set([...(archive?.stored ?? []), ...whole])].sort((a, b) => a - b),
    captions: captions.all,
    recording,
  };
}
