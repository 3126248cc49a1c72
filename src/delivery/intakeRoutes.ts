/** Interface 4, Program (contracts/program.ts): takes init segments, slates and parts from compositors on the internal port. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { AppError } from '../contracts/errors.ts';
import { COMPOSITOR_HEADER, FENCE_HEADER, PartParams, ProgramHeaders, ProgramParams } from '../contracts/program.ts';
import type { DeliveryBroadcast, Putter } from './DeliveryBroadcast.ts';
import type { DeliveryMetrics } from './metrics.ts';

/** A part of 1/3 s at 50 Mbit/s has 2 MB, a slate of one segment less than 8. */
const BODY_LIMIT_BYTES = 8 * 1024 * 1024;

export interface IntakeOptions {
  broadcast(id: string): DeliveryBroadcast | undefined;
  verifyService(token: string | undefined): Promise<void>;
  metrics: DeliveryMetrics;
}

/** Call before the server listens. */
export function registerIntakeRoutes(fastify: FastifyInstance, options: IntakeOptions): void {
  const { metrics } = options;
  void fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    // Before the body is read: who may not put does not make us take 8 MB first.
    scope.addHook('onRequest', async (request) => {
      await options.verifyService(bearerToken(request.headers.authorization));
    });
    scope.addHook('onError', async (_request, _reply, error) => {
      if (error instanceof AppError) metrics.putsRefused.inc({ code: error.code });
    });
    const config = { bodyLimit: BODY_LIMIT_BYTES, schema: { hide: true } };
    scope.put('/program/:broadcast/:rendition/init', config, async (request, reply) => {
      const { broadcast, rendition } = find(options, request, ProgramParams);
      broadcast.putInit(rendition, bodyOf(request), putterOf(request));
      return reply.code(204).send();
    });
    scope.put('/program/:broadcast/:rendition/slate', config, async (request, reply) => {
      const { broadcast, rendition } = find(options, request, ProgramParams);
      broadcast.putSlate(rendition, bodyOf(request), putterOf(request));
      return reply.code(204).send();
    });
    scope.put('/program/:broadcast/:rendition/:segment/:part', config, async (request, reply) => {
      const { broadcast, rendition, segment, part } = find(options, request, PartParams);
      broadcast.putPart(rendition, segment, part, bodyOf(request), putterOf(request));
      return reply.code(204).send();
    });
  });
}

/** The token of `Authorization: Bearer TOKEN` (RFC 6750 section 2.1). */
export const bearerToken = (header: string | undefined): string | undefined =>
  /^Bearer (\S+)$/i.exec(header ?? '')?.[1];

function find<T extends z.ZodType<{ broadcast: string; rendition: string }>>(
  options: IntakeOptions,
  request: FastifyRequest,
  schema: T,
): Omit<z.output<T>, 'broadcast'> & { broadcast: DeliveryBroadcast } {
  const params = parse(schema, request.params);
  const broadcast = options.broadcast(params.broadcast);
  if (!broadcast) throw new AppError('not-found', 'there is no such broadcast');
  if (!broadcast.renditions.some((r) => r.id === params.rendition))
    throw new AppError('not-found', 'the broadcast has no such rendition');
  return { ...params, broadcast };
}

function putterOf(request: FastifyRequest): Putter {
  const headers = parse(ProgramHeaders, request.headers);
  return { fence: headers[FENCE_HEADER], compositor: headers[COMPOSITOR_HEADER] };
}

function bodyOf(request: FastifyRequest): Buffer {
  if (!Buffer.isBuffer(request.body) || request.body.length === 0)
    throw new AppError('bad-request', 'the body is empty');
  return request.body;
}

function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const sentences = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`);
  throw new AppError('bad-request', sentences.join('; ').slice(0, 500));
}
