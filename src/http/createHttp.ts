import type { Server as HttpServer, ServerOptions } from 'node:http';
import type { SecureServerOptions } from 'node:http2';
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import { hasZodFastifySchemaValidationErrors, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from '../common/logger.ts';
import { AppError } from '../contracts/errors.ts';

export interface HttpOptions {
  logger: Logger;
  trustedProxies?: readonly string[];
  /** With it HTTP/2 and HTTP/1.1 (for WebSockets, too) are spoken on the same port, as the client likes (ALPN, RFC 7301). */
  tls?: { cert: Buffer; key: Buffer };
}

/** Bodies of the API are small; program PUTs set their own limit. */
const BODY_LIMIT_BYTES = 256 * 1024;
/** A header or a body that takes longer than this to come is an attack or a dead connection, ms. */
const REQUEST_TIMEOUT_MS = 30_000;

/** As many as a browser opens at most, and enough for a CDN that has one connection to us. */
const HTTP2_STREAMS = 250;
/** What the answers of one HTTP/2 connection may have in memory, MB: a CDN fetches many segments of 1 MB through one. */
const HTTP2_SESSION_MEGABYTES = 64;
/** An idle HTTP/1.1 connection is kept as long as fastify keeps one without TLS, ms. */
const KEEP_ALIVE_MS = 72_000;

/** A fastify with our zod compilers, and with every error answered as `{error: {code, message}}`. */
export function createHttp({ logger, trustedProxies = [], tls }: HttpOptions): FastifyInstance {
  const options: FastifyServerOptions & { http2?: true; https?: SecureServerOptions; http?: ServerOptions } = {
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: (error, _request, reply) => {
      void (reply as FastifyReply).code(400).send({ error: new AppError('bad-request', error.message).toJSON() });
    },
    ...(tls ? { http2: true, https: http2Options(tls) } : { http: { optimizeEmptyRequests: true } }),
  };
  const fastify = Fastify(options as FastifyServerOptions<HttpServer>) as unknown as FastifyInstance;
  if (tls) {
    // Node has these for HTTP/1.1 over an HTTP/2 server, but neither option nor type.
    Object.assign(fastify.server, { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS });
  }
  fastify.addHook('onRequest', dropTypeOfNothing);
  fastify.setValidatorCompiler(validatorCompiler);
  fastify.setSerializerCompiler(serializerCompiler);
  fastify.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: new AppError('not-found').toJSON() }));
  fastify.setErrorHandler((error, request, reply) => {
    const answer = toAppError(error);
    if (answer.code === 'wrong-node') reply.header('retry-after', '1');
    else if (answer.status >= 500) request.log.error({ err: error, requestId: request.id }, 'request failed');
    return reply.code(answer.status).send({ error: answer.toJSON() });
  });
  return fastify;
}

/**
 * A request without a body has no stream that could end (`optimizeEmptyRequests`: a quarter of node's CPU for a GET). Where it says what
 * its body is nevertheless, fastify would wait for that end.
 */
async function dropTypeOfNothing({ raw }: FastifyRequest): Promise<void> {
  if (raw.readableEnded) delete raw.headers['content-type'];
}

const http2Options = (tls: { cert: Buffer; key: Buffer }): SecureServerOptions => ({
  ...tls,
  allowHTTP1: true,
  maxSessionMemory: HTTP2_SESSION_MEGABYTES,
  settings: { maxConcurrentStreams: HTTP2_STREAMS },
});

/** Whatever was thrown, as what a caller may see of it. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const sentences = error.validation.map((v) => `${v.instancePath || 'request'}: ${v.message}`);
    return new AppError('bad-request', sentences.join('; ').slice(0, 500), { cause: error });
  }
  const status = (error as { statusCode?: number }).statusCode;
  if (status === 413) return new AppError('too-large', undefined, { cause: error });
  if (status !== undefined && status >= 400 && status < 500)
    return new AppError('bad-request', (error as Error).message, { cause: error });
  return new AppError('internal', undefined, { cause: error });
}
