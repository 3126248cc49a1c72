/** `POST /live/:room/:broadcast/beacon` (contracts/beacon.ts). In: what a page sends. Out: 204. Next: Beacons.ts. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Beacon } from '../../contracts/beacon.ts';
import { AppError } from '../../contracts/errors.ts';
import { BroadcastId, RoomId } from '../../contracts/ids.ts';
import type { PlaybackAccess } from '../../contracts/playback.ts';
import type { PlayGate } from '../http/PlayGate.ts';
import { parseName } from '../http/playbackPath.ts';
import type { Beacons } from './Beacons.ts';

/** Seven numbers. */
const MAX_BYTES = 1024;

export interface BeaconRouteOptions {
  beacons: Beacons;
  gate: PlayGate;
  /** Of a broadcast that is here; undefined: it is another node's. */
  playbackOf(room: string, broadcast: string): PlaybackAccess | undefined;
}

/** Inside the scope of the playback routes, which know who asks. */
export function registerBeaconRoutes(scope: FastifyInstance, options: BeaconRouteOptions): void {
  for (const prefix of ['/live', '/live/~:token'])
    scope.post(
      `${prefix}/:room/:broadcast/beacon`,
      { schema: { hide: true }, bodyLimit: MAX_BYTES },
      (request, reply) => take(options, request, reply),
    );
}

async function take(
  { beacons, gate, playbackOf }: BeaconRouteOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const params = request.params as Record<string, string>;
  const room = parseName(RoomId, params.room);
  const broadcast = parseName(BroadcastId, params.broadcast);
  // What another node owns is asked of it with every playlist; here its viewers are counted by those who get these.
  gate.allow(request.playAccess, playbackOf(room, broadcast) ?? 'open');
  const parsed = Beacon.safeParse(request.body);
  if (!parsed.success) throw new AppError('bad-request', parsed.error.issues[0]?.message);
  beacons.take(broadcast, { ip: request.ip, agent: request.headers['user-agent'] ?? '' }, parsed.data);
  return reply.code(204).send();
}
