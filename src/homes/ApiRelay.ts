/**
 * API calls about a room that is at home elsewhere. In: requests whose caller has been let in, with their body. Out: the home's answer, as it is;
 * what is at home here, or nowhere when it only asks, goes on to its route (http/api.ts). One hop at most.
 */
import fastifyReplyFrom from '@fastify/reply-from';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Logger } from '../common/logger.ts';
import { RoomSummary } from '../contracts/api.ts';
import { AppError } from '../contracts/errors.ts';
import { RoomId } from '../contracts/ids.ts';
import type { RoomHome } from '../directory/RoomHomes.ts';
import type { ApiFleet } from '../http/ApiFleet.ts';
import { FleetAssets } from './FleetAssets.ts';
import { RELAY_HEADER, type RelayDoor } from './RelayDoor.ts';
import type { SfuNodes } from './SfuNodes.ts';

/** Going live and handing over take their time; the home has limits of its own, ms. */
const ANSWER_LIMIT_MS = 150_000;

export interface ApiRelayOptions {
  /** Where it is; ours is ready when it resolves. Throws AppError. */
  homeOf: (room: string, options: { claim: boolean }) => Promise<RoomHome | null>;
  door: Pick<RelayDoor, 'isRelayed'>;
  nodes: SfuNodes;
  newServiceToken: () => Promise<string>;
  logger: Logger;
}

const Rooms = z.object({ rooms: z.array(RoomSummary) });

export class ApiRelay implements ApiFleet {
  readonly assets: FleetAssets;
  readonly #options: ApiRelayOptions;

  constructor(options: ApiRelayOptions) {
    this.#options = options;
    this.assets = new FleetAssets(options);
  }

  async register(http: FastifyInstance): Promise<void> {
    const limits = { connect: { timeout: 3_000 }, headersTimeout: ANSWER_LIMIT_MS, bodyTimeout: ANSWER_LIMIT_MS };
    // URLs differ by room: none is worth being kept.
    await http.register(fastifyReplyFrom, { undici: limits, disableCache: true, disableRequestLogging: true });
  }

  toHome = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { room } = request.params as { room?: string };
    // What is no room is the route's to refuse.
    if (!RoomId.safeParse(room).success || room === undefined) return;
    const { door, homeOf, newServiceToken } = this.#options;
    // Whoever only looks at people or a broadcast gives no home to a room; a scene and invitations are read where they are written.
    const looks = request.method === 'GET' && !/\/(scene|invitations)$/.test(request.routeOptions.url ?? '');
    const home = await homeOf(room, { claim: !looks });
    if (home?.own || (!home && looks)) return;
    if (!home || door.isRelayed(request.raw)) throw new AppError('wrong-node');
    // What a URL parser makes another path of (`..`, a whole URL) would be another call there.
    if (pathOf(`${home.url}${request.url}`) !== pathOf(home.url) + request.url.replace(/\?.*$/s, ''))
      throw new AppError('bad-request');
    const token = await newServiceToken();
    const { body, ip } = request;
    const way = [request.headers['x-forwarded-for'] ?? [], request.socket.remoteAddress ?? ip].flat().join(', ');
    return reply.from(`${home.url}${request.url}`, {
      rewriteRequestHeaders: (_request, { expect: _, ...headers }) => {
        // The body was parsed here and is written anew; without one nothing is said of it.
        const { 'content-type': __, 'content-length': ___, ...bare } = headers;
        return { ...(body ? headers : bare), [RELAY_HEADER]: token, 'x-forwarded-for': way };
      },
      // Who is told 503 asks again himself.
      retryDelay: () => null,
      onError: (_reply, { error }) => {
        const failed = new AppError('wrong-node', 'The node of the room can not be reached. Try again in a moment.');
        request.log.warn({ err: error, room, url: home.url }, 'a call can not be relayed to its home');
        void reply.code(failed.status).header('retry-after', '1').send({ error: failed.toJSON() });
      },
    });
  };

  async otherRooms(request: FastifyRequest): Promise<RoomSummary[]> {
    const { door, nodes } = this.#options;
    if (door.isRelayed(request.raw)) return [];
    const { authorization } = request.headers;
    const answers = await nodes.askAll({ path: '/v1/rooms', authorization }, Rooms);
    return answers.flatMap(({ rooms }) => rooms);
  }
}

const pathOf = (url: string): string => (URL.parse(url)?.pathname ?? '').replace(/^\/$/, '');
