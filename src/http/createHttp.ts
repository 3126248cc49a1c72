import type { Server as HttpServer } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyServerOptions, LogController } from 'fastify';
import { hasZodFastifySchemaValidationErrors, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from '../common/logger.ts';
import { AppError } from '../contracts/errors.ts';

export interface HttpOptions {
  logger: Logger;
  trustedProxies?: readonly string[];
  tls?: { cert: Buffer; key: Buffer };
}

/** Bodies of the API are small; program PUTs set their own limit. */
const BODY_LIMIT_BYTES = 256 * 1024;
/** A header or a body that takes longer than this to come is an attack or a dead connection, ms. */
const REQUEST_TIMEOUT_MS = 30_000;

/** A fastify with our zod compilers, and with every error answered as `{error: {code, message}}`. */
export function createHttp({ logger, trustedProxies = [], tls }: HttpOptions): FastifyInstance {
  const options: FastifyServerOptions & { https?: { cert: Buffer; key: Buffer } } = {
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
    ...(tls ? { https: tls } : {}),
  };
  const fastify = Fastify(options as FastifyServerOptions<HttpServer>) as unknown as FastifyInstance;
  fastify.setValidatorCompiler(validatorCompiler);
  fastify.setSerializerCompiler(serializerCompiler);
  fastify.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: new AppError('not-found').toJSON() }));
  fastify.setErrorHandler((error, request, reply) => {
    const answer = toAppError(error);
    if (answer.status >= 500) request.log.error({ err: error, requestId: request.id }, 'request failed');
    return reply.code(answer.status).send({ error: answer.toJSON() });
  });
  return fastify;
}

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
