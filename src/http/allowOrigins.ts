import fastifyCors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/** Listed pages may read the API's answers; playback answers `*` by itself. */
export async function allowOrigins(http: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  await http.register(fastifyCors, {
    delegator: (request, answer) => {
      const cors = (request.url ?? '').startsWith('/v1/');
      answer(
        null,
        cors
          ? { origin: [...origins], methods: ['GET', 'POST', 'PUT', 'DELETE'], exposedHeaders: ['etag'] }
          : { origin: false },
      );
    },
  });
}
