/**
 * Pictures of a live broadcast, beside its playlists:
 *
 *   /live/:room/:broadcast/poster.jpg               a picture of now
 *   /live/:room/:broadcast/thumbnails.vtt           of the time shift: where each moment is in the sheets; 404 without time shift
 *   /live/:room/:broadcast/thumbnails/N-TILES.jpg   sheet N when it had so many tiles, or more: none of them moves
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../contracts/errors.ts';
import { BroadcastId, RoomId } from '../../contracts/ids.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import { sendMedia, sendText } from '../http/answers.ts';
import { cacheControl } from '../http/cachePolicy.ts';
import type { PlayGate } from '../http/PlayGate.ts';
import { allow } from '../http/playAccess.ts';
import { parseName, SHEET } from '../http/playbackPath.ts';
import type { AddRoute } from '../playbackRoutes.ts';
import type { LivePictures } from './LivePictures.ts';

/** A poster is made anew after ten seconds; a track has a new cue as often. s. */
const FRESH_SECONDS = 5;

export interface PictureRouteOptions {
  find(room: string, broadcast: string): { broadcast: DeliveryBroadcast; pictures: LivePictures } | undefined;
  gate: PlayGate;
}

/** Among the playback routes, which know who asks, and who has what is not here. */
export function registerPictureRoutes(addRoute: AddRoute, options: PictureRouteOptions): void {
  const handlers = { '/poster.jpg': poster, '/thumbnails.vtt': track, '/thumbnails/:sheet': sheet };
  for (const [path, handler] of Object.entries(handlers))
    addRoute(`/:room/:broadcast${path}`, async (request, reply) =>
      handler(find(options, request, reply), options.gate, request, reply),
    );
}

function find({ find: of, gate }: PictureRouteOptions, request: FastifyRequest, reply: FastifyReply): LivePictures {
  const params = request.params as Record<string, string>;
  const found = of(parseName(RoomId, params.room), parseName(BroadcastId, params.broadcast));
  if (!found) throw new AppError('not-found');
  allow(gate, request, reply, found.broadcast.playback);
  return found.pictures;
}

async function poster(
  pictures: LivePictures,
  gate: PlayGate,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const bytes = await pictures.poster();
  if (!bytes) throw new AppError('not-found', 'There is no picture yet.');
  return sendMedia(request, reply, {
    bytes,
    type: 'image/jpeg',
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 16)}"`,
    cacheControl: cacheControl(FRESH_SECONDS, gate.lifeSeconds(request.playAccess)),
  });
}

async function track(
  pictures: LivePictures,
  gate: PlayGate,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const text = pictures.track();
  if (text === null) throw new AppError('not-found', 'The broadcast has no time shift.');
  return sendText(request, reply, {
    bytes: Buffer.from(text),
    type: 'text/vtt; charset=utf-8',
    cacheControl: cacheControl(FRESH_SECONDS, gate.lifeSeconds(request.playAccess)),
  });
}

async function sheet(
  pictures: LivePictures,
  gate: PlayGate,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { sheet: name = '' } = request.params as { sheet?: string };
  const [, number, tiles] = SHEET.exec(name) ?? [];
  const bytes = number === undefined ? null : pictures.sheet(Number(number), Number(tiles));
  if (!bytes) throw new AppError('not-found');
  return sendMedia(request, reply, {
    bytes,
    type: 'image/jpeg',
    etag: `"${name}.${bytes.length}"`,
    cacheControl: cacheControl('immutable', gate.lifeSeconds(request.playAccess)),
  });
}
