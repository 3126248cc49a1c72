/** The routes of a room's invitations (previous: api.ts, next: rooms/Invitations.ts). */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ErrorAnswer } from '../contracts/api.ts';
import { InvitationId, RoomId } from '../contracts/ids.ts';
import { type Invitation, InvitationAnswer, InvitationInput, InvitationList } from '../contracts/invitations.ts';

/** What the routes ask of the rooms; `rooms/Invitations.ts` is one. */
export interface ApiInvitations {
  /** Throws AppError `too-many`. */
  create(room: RoomId, input: InvitationInput): Promise<InvitationAnswer>;
  /** The newest first. */
  list(room: RoomId): Invitation[];
  /** Throws AppError `not-found`. */
  revoke(room: RoomId, id: string): void;
}

const failures = { '4xx': ErrorAnswer, '5xx': ErrorAnswer };
const InRoom = z.object({ room: RoomId });
const tags = ['rooms'];

export function registerInvitations(fastify: FastifyInstance, invitations: ApiInvitations): void {
  const api = fastify.withTypeProvider<ZodTypeProvider>();
  api.post(
    '/rooms/:room/invitations',
    {
      schema: {
        summary: 'Make a link by which one person may come in until it expires or is revoked',
        tags,
        params: InRoom,
        body: InvitationInput,
        response: { 201: InvitationAnswer, ...failures },
      },
    },
    async (request, reply) => reply.code(201).send(await invitations.create(request.params.room, request.body)),
  );
  api.get(
    '/rooms/:room/invitations',
    {
      schema: {
        summary: 'The invitations that are good, the newest first; without their tokens',
        tags,
        params: InRoom,
        response: { 200: InvitationList, ...failures },
      },
    },
    async (request) => ({ invitations: invitations.list(request.params.room) }),
  );
  api.delete(
    '/rooms/:room/invitations/:id',
    {
      schema: {
        summary: 'Revoke an invitation: nobody comes in by it any more; who is in the room stays',
        tags,
        params: InRoom.extend({ id: InvitationId }),
        response: { 204: z.null(), ...failures },
      },
    },
    async (request, reply) => {
      invitations.revoke(request.params.room, request.params.id);
      return reply.code(204).send(null);
    },
  );
}
