/** `GET /v1/usage`: what was used, by day, tenant, room or broadcast. Within `/v1`, behind its check of tokens. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ErrorAnswer } from '../contracts/api.ts';
import { UsageAnswer, UsageQuery } from '../contracts/usage.ts';
import type { ServerUsage } from './ServerUsage.ts';
import { usageCsv } from './usageCsv.ts';

export function registerUsage(fastify: FastifyInstance, usage: Pick<ServerUsage, 'query' | 'prices'>): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    '/usage',
    {
      schema: {
        summary: 'What was used, summed up by day (UTC), tenant and room; as JSON or CSV, a page at a time',
        tags: ['usage'],
        querystring: UsageQuery,
        response: {
          200: {
            description: 'A page. The next one is also named by the header `Link`.',
            content: { 'application/json': { schema: UsageAnswer }, 'text/csv': { schema: z.string() } },
          },
          ...{ '4xx': ErrorAnswer, '5xx': ErrorAnswer },
        },
      },
    },
    async (request, reply) => {
      const { page, complete } = await usage.query(request.query);
      reply.header('cache-control', 'no-store');
      if (page.next !== null) {
        const next = new URL(request.url, 'http://localhost');
        next.searchParams.set('after', page.next);
        reply.header('link', `<${next.pathname}${next.search}>; rel="next"`);
      }
      if (request.query.format === 'json')
        return reply.send({ usage: page.sums.map(({ sum }) => sum), total: page.total, complete, next: page.next });
      const text = usageCsv(page.sums, request.query.by, usage.prices);
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', 'attachment; filename="usage.csv"')
        .send(text);
    },
  );
}
