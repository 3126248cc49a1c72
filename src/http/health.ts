import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';

export interface HealthSource {
  /** Whether it takes work; the reason when it does not. */
  readiness(): { ready: boolean; reason: string };
}

/** `/healthz` (alive), `/readyz` (takes work), `/metrics` (Prometheus). */
export function registerHealth(fastify: FastifyInstance, source: HealthSource, registry: Registry): void {
  fastify.get('/healthz', { schema: { hide: true } }, async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ alive: true }),
  );
  fastify.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const state = source.readiness();
    return reply
      .code(state.ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(state);
  });
  fastify.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .type(registry.contentType)
      .send(await registry.metrics()),
  );
}
