/** Internal: what SFU nodes ask about recordings, to answer the API with it. JSON, with a service token. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { RecordingId } from '../../contracts/ids.ts';
import {
  Recording,
  RecordingEventList,
  RecordingEventQuery,
  RecordingList,
  RecordingQuery,
} from '../../contracts/recording.ts';
import { bearerToken } from '../intakeRoutes.ts';
import { toRecording } from './RecordingRecord.ts';
import type { Recordings } from './Recordings.ts';

export interface RecordingControlOptions {
  recordings: Recordings;
  /** Throws AppError unless it is a `service` token. */
  verifyService(token: string | undefined): Promise<void>;
}

/** Call before the server listens. */
export function registerRecordingControl(fastify: FastifyInstance, options: RecordingControlOptions): void {
  const { recordings } = options;
  const params = z.object({ id: RecordingId });
  void fastify.register(
    async (instance) => {
      const scope = instance.withTypeProvider<ZodTypeProvider>();
      scope.addHook('onRequest', async (request) => options.verifyService(bearerToken(request.headers.authorization)));
      scope.get(
        '/',
        { schema: { hide: true, querystring: RecordingQuery, response: { 200: RecordingList } } },
        async (request) => ({ recordings: await recordings.list(request.query) }),
      );
      scope.get(
        '/events',
        { schema: { hide: true, querystring: RecordingEventQuery, response: { 200: RecordingEventList } } },
        async (request, reply) => {
          const { after, waitSeconds } = request.query;
          const gone = new AbortController();
          reply.raw.once('close', () => gone.abort());
          return recordings.events(after, waitSeconds * 1000, gone.signal);
        },
      );
      scope.get('/:id', { schema: { hide: true, params, response: { 200: Recording } } }, async (request) =>
        toRecording(await recordings.get(request.params.id)),
      );
      scope.delete('/:id', { schema: { hide: true, params } }, async (request, reply) => {
        await recordings.delete(request.params.id);
        return reply.code(204).send();
      });
    },
    { prefix: '/delivery/recordings' },
  );
}
