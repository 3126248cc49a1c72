import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ErrorAnswer } from '../contracts/api.ts';
import { AppError } from '../contracts/errors.ts';
import { RoomHealth } from '../contracts/health.ts';
import { RoomId } from '../contracts/ids.ts';
import type { ApiRooms } from './ApiRooms.ts';

/** `GET /v1/rooms/:room/health`: what the room's hosts see, for whoever operates it. */
export function registerHealthRoute(fastify: FastifyInstance, rooms: Pick<ApiRooms, 'get' | 'health'>): void {
  fastify.withTypeProvider<ZodTypeProvider>().get(
    '/rooms/:room/health',
    {
      schema: {
        summary: 'How a room fares: what arrives of each person, the program, and what is wrong (docs/health.md)',
        tags: ['rooms'],
        params: z.object({ room: RoomId }),
        response: { 200: RoomHealth, '4xx': ErrorAnswer, '5xx': ErrorAnswer },
      },
    },
    async (request) => {
      const room = rooms.get(request.params.room);
      if (!room) throw new AppError('not-found', 'Nobody is in this room.');
      return rooms.health(room);
    },
  );
}
