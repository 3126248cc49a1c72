/** `/v1/recordings`: what there is, and its deletion. They are played at `/recordings/…` on the public port of delivery nodes. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ErrorAnswer } from '../contracts/api.ts';
import { RecordingId } from '../contracts/ids.ts';
import { Recording, RecordingList, RecordingQuery } from '../contracts/recording.ts';
import type { RecordingsClient } from './RecordingsClient.ts';

const failures = { '4xx': ErrorAnswer, '5xx': ErrorAnswer };

/** Within `/v1`, behind its check of tokens. */
export function registerRecordingApi(fastify: FastifyInstance, recordings: RecordingsClient): void {
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  const tags = ['recordings'];
  const params = z.object({ id: RecordingId });
  api.get(
    '/recordings',
    {
      schema: {
        summary: 'Recordings, of one room or of all, the newest first',
        tags,
        querystring: RecordingQuery,
        response: { 200: RecordingList, ...failures },
      },
    },
    async (request) => ({ recordings: await recordings.list(request.query) }),
  );
  api.get(
    '/recordings/:id',
    { schema: { summary: 'One recording', tags, params, response: { 200: Recording, ...failures } } },
    async (request) => recordings.get(request.params.id),
  );
  api.delete(
    '/recordings/:id',
    {
      schema: {
        summary: 'Delete a recording and all its files; 409 while its broadcast is live',
        tags,
        params,
        response: { 204: z.null(), ...failures },
      },
    },
    async (request, reply) => {
      await recordings.delete(request.params.id);
      return reply.code(204).send(null);
    },
  );
}
