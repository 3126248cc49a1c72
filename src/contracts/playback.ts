/**
 * Interface 6, Playback: HTTP GET and HEAD on delivery's public port. All but playlists and `state.json` is immutable for ever.
 *
 *   /live/:room/index.m3u8                              multivariant playlist of the newest broadcast; 404 before the first
 *   /live/:room/state.json                              PlaybackState, for pages
 *   /live/:room/:broadcast/beacon                       POST: how a page watches (contracts/beacon.ts)
 *   /live/:room/:broadcast/:rendition/index.m3u8        media playlist; `_HLS_msn`, `_HLS_part`, `_HLS_skip`
 *   /live/:room/:broadcast/:rendition/init-HASH.mp4     init segment, HASH = 16 hex digits of its SHA-256
 *   /live/:room/:broadcast/:rendition/K.m4s             segment K
 *   /live/:room/:broadcast/:rendition/K.P.m4s           part P of segment K
 *
 * With a playback token all of it lies below `/live/~TOKEN/:room/…`, too; URIs in playlists are relative, so one rendering serves both.
 */
import { z } from 'zod';
import { BroadcastId, RecordingId, RoomId } from './ids.ts';

/** Who may play a broadcast: `open` anybody, `token` who has a token of audience `play` for the room, in the path. */
export const PlaybackAccess = z.enum(['open', 'token']);
export type PlaybackAccess = z.infer<typeof PlaybackAccess>;

/** On answers to another delivery node: what it has to ask its own viewers for. */
export const PLAYBACK_ACCESS_HEADER = 'lianmai-playback';

/** On requests of another delivery node: its name, and how many viewers of the broadcast it has, `NODE;NUMBER`. */
export const EDGE_VIEWERS_HEADER = 'lianmai-edge-viewers';
/**
 * Likewise how they fare, when their pages say: `NODE;PAGES;MS;PERMILLE`, pages that say, how far half of them are behind, and how much of their time
 * the picture stood still.
 */
export const EDGE_WATCHING_HEADER = 'lianmai-edge-watching';

export const PlaybackState = z.object({
  room: RoomId,
  /** `idle`: nothing was ever live, or it is forgotten. `ended`: the playlist has EXT-X-ENDLIST. */
  state: z.enum(['idle', 'live', 'ended']),
  broadcast: BroadcastId.nullable(),
  /** Wall clock of frame 0, ms since 1970. */
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  /** Who watches it, on all delivery nodes: an estimate. */
  viewers: z.int().min(0).default(0),
  /** What can be played, and whoever asks may play: `ended`: the broadcast's recording, `idle`: the newest one of the room. */
  recording: RecordingId.nullable().default(null),
  /** The room's next broadcast starts by itself. With `playback: token` only who shows one is told. */
  scheduled: z
    .object({
      /** Empty: it has none. */
      title: z.string(),
      /** ms since 1970. */
      startsAt: z.number(),
      /** The clock of the server that says so, ms since 1970. */
      now: z.number(),
    })
    .nullable()
    .default(null),
});
export type PlaybackState = z.infer<typeof PlaybackState>;
/** Without what is looked up apart. */
export type BroadcastPlayback = Omit<PlaybackState, 'recording' | 'scheduled'>;
