/**
 * Captions of a live broadcast, beside its other renditions:
 *
 *   /live/:room/:broadcast/captions/:language/index.m3u8    media playlist: the segments of the program
 *   /live/:room/:broadcast/captions/:language/K.vtt         what is shown in segment K, also when that is nothing
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CaptionLine } from '../../contracts/captions.ts';
import { AppError } from '../../contracts/errors.ts';
import { segmentSeconds } from '../../contracts/grid.ts';
import { BroadcastId, RoomId } from '../../contracts/ids.ts';
import type { DeliveryBroadcast } from '../DeliveryBroadcast.ts';
import type { PlaylistCache } from '../hls/PlaylistCache.ts';
import { sendMedia } from '../http/answers.ts';
import { cacheControl } from '../http/cachePolicy.ts';
import type { PlayGate } from '../http/PlayGate.ts';
import { allow } from '../http/playAccess.ts';
import { CUES, NAMES, parseName } from '../http/playbackPath.ts';
import type { AddRoute } from '../playbackRoutes.ts';
import { cuesBetween } from './cues.ts';
import { renderVtt, VTT_TYPE } from './webvtt.ts';

interface Found {
  broadcast: DeliveryBroadcast;
  playlists: PlaylistCache;
}

export interface CaptionRouteOptions {
  find(room: string, broadcast: string): Found | undefined;
  gate: PlayGate;
  /** Answers with the media playlist of captions, when its time has come. */
  answer(request: FastifyRequest, reply: FastifyReply, found: Found): Promise<FastifyReply>;
}

/** Among the playback routes, which know who asks, and who has what is not here. */
export function registerCaptionRoutes(addRoute: AddRoute, options: CaptionRouteOptions): void {
  const base = '/:room/:broadcast/captions/:language';
  addRoute(`${base}/index.m3u8`, async (request, reply) =>
    options.answer(request, reply, findTrack(options, request, reply)),
  );
  addRoute(`${base}/:cues`, async (request, reply) => {
    const { broadcast, lines } = findTrack(options, request, reply);
    const { cues: name = '' } = request.params as Record<string, string>;
    const number = Number(CUES.exec(name)?.[1] ?? Number.NaN);
    return sendMedia(request, reply, {
      bytes: segmentOf(broadcast, lines, number),
      type: VTT_TYPE,
      // Nothing else is ever under this URL, so its name tags it.
      etag: `"${name}"`,
      cacheControl: cacheControl('immutable', options.gate.lifeSeconds(request.playAccess)),
    });
  });
}

function findTrack(
  { find, gate }: CaptionRouteOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Found & { lines: readonly CaptionLine[] } {
  const params = request.params as Record<string, string>;
  const found = find(parseName(RoomId, params.room), parseName(BroadcastId, params.broadcast));
  const lines = found?.broadcast.captions.of(parseName(NAMES.language, params.language));
  if (!found || !lines) throw new AppError('not-found');
  allow(gate, request, reply, found.broadcast.playback);
  return { ...found, lines };
}

/** What has been listed of them; the program itself may be lost there. */
function segmentOf({ store, grid }: DeliveryBroadcast, lines: readonly CaptionLine[], number: number): Buffer {
  if (number < store.retainedFrom) throw new AppError('gone');
  const last = store.listed().findLast(({ state }) => state !== 'open');
  if (!last || !(number <= last.number)) throw new AppError('not-found');
  const lengthMs = segmentSeconds(grid) * 1000;
  return Buffer.from(renderVtt(cuesBetween(lines, { grid, from: number * lengthMs, to: (number + 1) * lengthMs })));
}
