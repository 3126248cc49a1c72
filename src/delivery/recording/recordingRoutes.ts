/**
 * Public: `/recordings/…` (contracts/recording.ts), HTTP GET and HEAD. The bytes come through this node, from whichever storage they are in.
 * Not by redirect to presigned URLs of the store: a viewer may not reach the store, a URL that expires can be cached by nobody, each
 * segment would cost another round trip, and a playback token would end with the first one. A CDN in front has all but playlists for ever.
 */
import { buffer } from 'node:stream/consumers';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../contracts/errors.ts';
import { RecordingId } from '../../contracts/ids.ts';
import { sendStream, sendText } from '../http/answers.ts';
import { cacheControl } from '../http/cachePolicy.ts';
import type { PlayGate } from '../http/PlayGate.ts';
import { prepareAnswers } from '../http/playAccess.ts';
import type { Recordings } from './Recordings.ts';
import type { RecordingsElsewhere } from './RecordingsElsewhere.ts';
import { contentTypeOf } from './storeFiles.ts';

/** A playlist may name a further rendition soon; a recording may be deleted, s. */
const PLAYLIST_SECONDS = 60;

export interface RecordingRouteOptions {
  recordings: Recordings;
  gate: PlayGate;
  /** Those of other nodes; left out: there are none. */
  elsewhere?: (() => RecordingsElsewhere | undefined) | undefined;
}

/** Call before the server listens. */
export function registerRecordingRoutes(fastify: FastifyInstance, options: RecordingRouteOptions): void {
  void fastify.register(async (scope) => {
    prepareAnswers(scope, '/recordings');
    for (const prefix of ['/recordings', '/recordings/~:token'])
      scope.get(`${prefix}/:id/*`, { schema: { hide: true } }, (request, reply) => send(options, request, reply));
  });
}

async function send(
  { recordings, gate, elsewhere }: RecordingRouteOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { token, id, '*': name = '' } = request.params as { token?: string; id?: string; '*'?: string };
  const known = RecordingId.safeParse(id);
  if (!known.success) throw new AppError('not-found');
  const record = await recordings.get(known.data).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'not-found') return null;
    throw error;
  });
  if (!record) {
    const others = elsewhere?.();
    if (!others) throw new AppError('not-found', 'There is no such recording.');
    return others.serve(known.data, request, reply);
  }
  const access = await gate.admit({ token, authorization: undefined, room: record.room });
  gate.allow(access, record.playback);
  const { bytes, storage, key } = await recordings.file(record, name);
  const type = contentTypeOf(name);
  const life = gate.lifeSeconds(access);
  if (/(\.m3u8|thumbnails\.vtt)$/.test(name)) {
    const text = await buffer(await storage.get(key));
    return sendText(request, reply, { bytes: text, type, cacheControl: cacheControl(PLAYLIST_SECONDS, life) });
  }
  return sendStream(request, reply, {
    length: bytes,
    type,
    // Nothing else is ever under this URL.
    etag: `"${record.id}.${bytes}"`,
    cacheControl: cacheControl('immutable', life),
    open: (range) => storage.get(key, range),
  });
}
