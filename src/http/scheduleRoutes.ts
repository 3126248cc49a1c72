/** The routes of a room's next broadcast, which starts by itself (previous: api.ts, next: schedule/Schedules.ts). */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ErrorAnswer } from '../contracts/api.ts';
import { BroadcastStatus } from '../contracts/broadcast.ts';
import { AppError } from '../contracts/errors.ts';
import { RoomId } from '../contracts/ids.ts';
import { Schedule, ScheduleInput } from '../contracts/schedule.ts';
import type { ScheduleService } from '../schedule/ScheduleService.ts';

const failures = { '4xx': ErrorAnswer, '5xx': ErrorAnswer };
const InRoom = z.object({ room: RoomId });
const tags = ['schedule'];

export function registerSchedules(fastify: FastifyInstance, schedules: ScheduleService): void {
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  api.put(
    '/rooms/:room/schedule',
    {
      schema: {
        summary: 'Schedule the next broadcast of a room, or change it',
        description:
          'It starts by itself at `startsAt`, or after `inSeconds`, whether or not somebody is in the room. A room has one: this takes the place of the last, and what is left out stays as it was.',
        tags,
        params: InRoom,
        body: ScheduleInput,
        response: { 200: Schedule, ...failures },
      },
    },
    async (request) => schedules.set(request.params.room, request.body),
  );
  api.get(
    '/rooms/:room/schedule',
    {
      schema: {
        summary: 'The next broadcast of a room, or the one that could not be started',
        tags,
        params: InRoom,
        response: { 200: Schedule, ...failures },
      },
    },
    async (request) => {
      const schedule = schedules.get(request.params.room);
      if (!schedule) throw new AppError('not-found', 'No broadcast of this room is scheduled.');
      return schedule;
    },
  );
  api.delete(
    '/rooms/:room/schedule',
    {
      schema: {
        summary: 'Call the next broadcast off',
        tags,
        params: InRoom,
        response: { 204: z.null(), ...failures },
      },
    },
    async (request, reply) => {
      await schedules.cancel(request.params.room);
      return reply.code(204).send(null);
    },
  );
  api.post(
    '/rooms/:room/schedule/start',
    {
      schema: {
        summary: 'Start the scheduled broadcast at once; answers as going live does',
        tags,
        params: InRoom,
        response: { 200: BroadcastStatus, 202: BroadcastStatus, ...failures },
      },
    },
    async (request, reply) => {
      const status = await schedules.start(request.params.room);
      return reply.code(status.state === 'pending' || status.state === 'starting' ? 202 : 200).send(status);
    },
  );
}
