import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AssetFleet } from '../assets/assetRoutes.ts';
import type { RoomSummary } from '../contracts/api.ts';

/** What the HTTP API asks of the other SFU nodes. */
export interface ApiFleet {
  /** A hook, after the caller was let in: answers for a room that is at home elsewhere. Throws AppError `wrong-node`, `directory-unavailable`. */
  toHome(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined>;
  /** Rooms that are at home elsewhere; none for a request that another node has asked. */
  otherRooms(request: FastifyRequest): Promise<RoomSummary[]>;
  readonly assets: AssetFleet;
}
