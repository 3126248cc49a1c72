/**
 * What every answer below `/live/` has, whatever becomes of it, and who asked for it. In: a request that was routed. Out: the same, with
 * `playAccess`. Next: playbackRoutes.ts.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../contracts/errors.ts';
import { PLAYBACK_ACCESS_HEADER, type PlaybackAccess } from '../../contracts/playback.ts';
import { COMMON_HEADERS, RETRY_AFTER_SECONDS } from './answerHeaders.ts';
import { cacheControl, errorFreshness, PREFLIGHT } from './cachePolicy.ts';
import type { Access, PlayGate } from './PlayGate.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks for a playlist or media. */
    playAccess: Access;
    /** The broadcast that another node's answer was of; empty: it was our own answer. */
    servedBroadcast: string;
  }
}

const METHODS = 'GET, HEAD, OPTIONS';

/** `nodesOnly`: for other delivery nodes, on the internal port. */
export function preparePlayback(scope: FastifyInstance, gate: PlayGate, { nodesOnly }: { nodesOnly: boolean }): void {
  prepareAnswers(scope, '/live', (request) => {
    const { token, room } = request.params as { token?: string; room?: string };
    const { authorization } = request.headers;
    if (token === undefined && authorization === undefined && !nodesOnly) return undefined;
    return gate.admit({ token, authorization, room }).then((access) => {
      request.playAccess = access;
      if (nodesOnly && access !== 'node') throw new AppError('unauthorized');
    });
  });
}

/**
 * What answers of media have in common, whoever may have them. `prefix` is of the paths, without a slash at the end; `admit` rejects
 * whom nothing is answered to, undefined: nothing has to be waited for.
 */
export function prepareAnswers(
  scope: FastifyInstance,
  prefix: string,
  admit: (request: FastifyRequest) => Promise<void> | undefined = () => undefined,
): void {
  scope.decorateRequest('playAccess', 'anybody');
  scope.decorateRequest('servedBroadcast', '');
  scope.addHook('onRequest', (request, reply, done) => {
    reply.headers(COMMON_HEADERS).header('cache-control', 'no-store');
    const admitted = request.method === 'OPTIONS' ? undefined : admit(request);
    if (admitted) admitted.then(() => done(), done);
    else done();
  });
  // Without a line in the log for each: what a thousand players ask at once goes wrong for all of them at once.
  scope.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof AppError)) throw error;
    reply.header('cache-control', cacheControl(errorFreshness(error.code)));
    if (error.status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
    return reply.code(error.status).send({ error: error.toJSON() });
  });
  scope.options(`${prefix}/*`, { schema: { hide: true } }, preflight);
  // Before the body is read: it is of no use.
  const onRequest = async (_request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.header('allow', METHODS);
    throw new AppError('method-not-allowed');
  };
  scope.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE'],
    url: `${prefix}/*`,
    schema: { hide: true },
    onRequest,
    handler: () => undefined,
  });
}

/** Throws `unauthorized` where a token is needed; tells another node what it has to ask its viewers for. */
export function allow(
  gate: PlayGate,
  { playAccess }: FastifyRequest,
  reply: FastifyReply,
  playback: PlaybackAccess,
): void {
  gate.allow(playAccess, playback);
  if (playAccess === 'node') reply.header(PLAYBACK_ACCESS_HEADER, playback);
}

/** `*` allows any header but Authorization, which no viewer needs (Fetch standard section 3.3.4). */
async function preflight(_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return reply
    .header('access-control-allow-methods', METHODS)
    .header('access-control-allow-headers', '*')
    .header('access-control-max-age', String(PREFLIGHT))
    .header('cache-control', cacheControl(PREFLIGHT))
    .header('allow', METHODS)
    .code(204)
    .send();
}
