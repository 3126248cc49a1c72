/** What a path below `/live/` names, checked; without the token. Pure. */
import { AppError } from '../../contracts/errors.ts';
import { BroadcastId, RenditionId, RoomId } from '../../contracts/ids.ts';
import { canonicalQuery, parseDirectives, type Query } from '../hls/directives.ts';

/** Segment and part numbers in a file name: no sign, no leading zero, exact. */
export const FILE = /^(?:(init-[0-9a-f]{16})\.mp4|(0|[1-9]\d{0,11})(?:\.(0|[1-9]\d{0,2}))?\.m4s)$/;

export type RoomFile = 'index.m3u8' | 'state.json';

export interface PlaybackPath {
  room: string;
  /** Not for what is the room's. */
  broadcast?: string;
  /** The file's name, when it is media. */
  media?: string;
  /** The same for all who mean the same: what follows `/live/`, with the directives in order and nothing else in the query. */
  canonical: string;
}

interface Params {
  room?: string;
  broadcast?: string;
  rendition?: string;
  file?: string;
}

/** Throws `not-found` for names that can not be, and `bad-request` for directives that can not be meant. */
export function parsePlaybackPath(params: Params, query: Query, roomFile: RoomFile): PlaybackPath {
  const room = parseName(RoomId, params.room);
  if (params.broadcast === undefined) return { room, canonical: `${room}/${roomFile}` };
  const broadcast = parseName(BroadcastId, params.broadcast);
  const below = `${room}/${broadcast}/${parseName(RenditionId, params.rendition)}`;
  if (params.file === undefined)
    return { room, broadcast, canonical: `${below}/index.m3u8${canonicalQuery(parseDirectives(query))}` };
  if (!FILE.test(params.file)) throw new AppError('not-found');
  return { room, broadcast, media: params.file, canonical: `${below}/${params.file}` };
}

/** A name that cannot be is a name that is not there. */
export function parseName(
  schema: { safeParse(v: unknown): { success: boolean; data?: string | undefined } },
  text: unknown,
): string {
  const parsed = schema.safeParse(text);
  if (!parsed.success || parsed.data === undefined) throw new AppError('not-found');
  return parsed.data;
}
