/** What a path below `/live/` names, checked; without the token. Pure. */
import { z } from 'zod';
import { CaptionLanguage } from '../../contracts/captions.ts';
import { AppError } from '../../contracts/errors.ts';
import { BroadcastId, RenditionId, RoomId } from '../../contracts/ids.ts';
import { canonicalQuery, parseDirectives, type Query } from '../hls/directives.ts';

/** Segment and part numbers in a file name: no sign, no leading zero, exact. */
export const FILE = /^(?:(init-[0-9a-f]{16})\.mp4|(0|[1-9]\d{0,11})(?:\.(0|[1-9]\d{0,2}))?\.m4s)$/;

/** A sheet of thumbnails and how many there are in it. */
export const SHEET = /^(0|[1-9]\d{0,5})-([1-9]\d{0,2})\.jpg$/;

/** Captions of a segment. */
export const CUES = /^(0|[1-9]\d{0,11})\.vtt$/;

export interface PlaybackPath {
  room: string;
  /** Not for what is the room's. */
  broadcast?: string | undefined;
  /** A playlist, JSON or another text, which is compressed; else media. */
  text: boolean;
  /** A rendition's playlist, which players ask for again and again. */
  mediaPlaylist: boolean;
  /** The same for all who mean the same: what follows `/live/`, with the directives in order and nothing else in the query. */
  canonical: string;
}

export const NAMES = {
  room: RoomId,
  broadcast: BroadcastId,
  rendition: RenditionId,
  file: z.string().regex(FILE),
  sheet: z.string().regex(SHEET),
  language: CaptionLanguage,
  cues: z.string().regex(CUES),
};

/**
 * `template` is what a route has behind `/live`, such as `/:room/index.m3u8`. Throws `not-found` for names that can not be, and
 * `bad-request` for directives that can not be meant.
 */
export function parsePlaybackPath(
  template: string,
  params: Readonly<Record<string, unknown>>,
  query: Query,
): PlaybackPath {
  const path = template
    .slice(1)
    .replace(/:(\w+)/g, (_, name: keyof typeof NAMES) => parseName(NAMES[name], params[name]));
  const mediaPlaylist = /\/:(rendition|language)\/index\.m3u8$/.test(template);
  const [room = '', broadcast] = path.split('/');
  return {
    room,
    broadcast: template.includes(':broadcast') ? broadcast : undefined,
    text: /\.(m3u8|json|vtt)$/.test(template),
    mediaPlaylist,
    canonical: mediaPlaylist ? path + canonicalQuery(parseDirectives(query)) : path,
  };
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
