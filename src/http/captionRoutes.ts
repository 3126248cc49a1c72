/** The route of captions (previous: api.ts, next: rooms/CaptionDesk.ts). */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { BroadcastService } from '../broadcast/BroadcastService.ts';
import { ErrorAnswer } from '../contracts/api.ts';
import { CaptionAnswer, CaptionInput } from '../contracts/captions.ts';
import { RoomId } from '../contracts/ids.ts';
import type { CaptionDesk } from '../rooms/CaptionDesk.ts';
import { allowMember, type MemberAccess } from '../tokens/allowMember.ts';

const failures = { '4xx': ErrorAnswer, '5xx': ErrorAnswer };

export interface CaptionApiOptions extends MemberAccess {
  captions: Pick<CaptionDesk, 'say'>;
  broadcasts: BroadcastService;
}

export function registerCaptions(fastify: FastifyInstance, options: CaptionApiOptions): void {
  const { captions, broadcasts } = options;
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  api.post(
    '/rooms/:room/captions',
    {
      onRequest: (request) => {
        const { room } = request.params as { room: string };
        return allowMember(options, request.headers.authorization, (c) => c.role === 'host' && c.room === room);
      },
      schema: {
        summary: 'Show a line of captions: in players whose viewer turns captions on, on the picture, or both',
        description:
          'For viewers it belongs to the moment `at` of the program, or, when that has been shown already, to the next one that can be had. The next line of the language takes its place; an empty `text` takes it off. 4 lines a second for each room. With an `api` token, or a `join` token of a host of the room.',
        tags: ['captions'],
        params: z.object({ room: RoomId }),
        body: CaptionInput,
        response: { 201: CaptionAnswer, ...failures },
      },
    },
    async (request, reply) => reply.code(201).send(await captions.say(request.params.room, request.body, broadcasts)),
  );
}
