/**
 * Recordings: what the API answers, and where they are played (HTTP GET and HEAD on delivery's public port, all of it immutable):
 *
 *   /recordings/:id/index.m3u8                       multivariant playlist (VOD)
 *   /recordings/:id/:rendition/index.m3u8            media playlist
 *   /recordings/:id/:rendition/init-HASH.mp4         init segment
 *   /recordings/:id/:rendition/K.m4s                 segment K
 *   /recordings/:id/captions/:language/…             media playlist and `captions.vtt`, of each language in which something was said
 *   /recordings/:id/program.mp4                      the whole recording: the best video and the sound, faststart
 *   /recordings/:id/poster.jpg, thumbnails.vtt, thumbnails/N.jpg
 *
 * With playback tokens the path begins with `/recordings/~TOKEN/:id/`.
 */
import { z } from 'zod';
import { BroadcastId, RecordingId, RenditionId, RoomId } from './ids.ts';
import { PlaybackAccess } from './playback.ts';

export const RecordingState = z.enum(['recording', 'processing', 'finished', 'incomplete', 'failed']);
export type RecordingState = z.infer<typeof RecordingState>;

/** A further rendition that is made after the recording is finished. */
export const Transcode = z.object({
  height: z.int(),
  bitrate: z.int(),
  state: z.enum(['queued', 'running', 'finished', 'failed']),
  /** 0 to 1. */
  progress: z.number().min(0).max(1),
  /** Why it failed; else empty. */
  reason: z.string(),
});
export type Transcode = z.infer<typeof Transcode>;

export const RecordingRendition = z.object({ id: RenditionId, width: z.int(), height: z.int(), bitrate: z.int() });
export type RecordingRendition = z.infer<typeof RecordingRendition>;

export const Recording = z.object({
  id: RecordingId,
  room: RoomId,
  broadcast: BroadcastId,
  /**
   * `recording` while the broadcast is live, `processing` until its files are in the storage, then `finished`, or `incomplete` when
   * something could not be written, or `failed` when nothing can be played.
   */
  state: RecordingState,
  /** False from the moment on that something could not be written. */
  complete: z.boolean(),
  /** Why it is not complete, or has failed; else empty. */
  reason: z.string(),
  /** Who may play it: as it was said of the broadcast. */
  playback: PlaybackAccess,
  /** Wall clock of its first frame, ms since 1970. */
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  durationSeconds: z.number(),
  /** Of all its files. */
  bytes: z.int(),
  /** Segments that were lost live, and show the slate. */
  slateSegments: z.int(),
  /** Paths on the public port; null until it is there. */
  playlist: z.string().nullable(),
  mp4: z.string().nullable(),
  poster: z.string().nullable(),
  thumbnails: z.string().nullable(),
  /** WebVTT files, one of each language in which there were captions. */
  captions: z.array(z.object({ language: z.string(), name: z.string(), path: z.string() })).default([]),
  /** Its video qualities, the largest first. */
  renditions: z.array(RecordingRendition),
  transcodes: z.array(Transcode),
});
export type Recording = z.infer<typeof Recording>;

/** What the status of a broadcast tells of its recording. */
export const RecordingStatus = Recording.pick({ id: true, state: true, complete: true, reason: true }).extend({
  /** Wall clock of its first frame, ms since 1970; null: not known. */
  startedAt: z.number().nullable().default(null),
});
export type RecordingStatus = z.infer<typeof RecordingStatus>;

/** A broadcast's first recording: its id is the broadcast's with another letter. One that is begun later has an id of its own. */
export const recordingIdOf = (broadcast: BroadcastId): RecordingId => `r${broadcast.slice(1)}`;

export const RecordingQuery = z.object({
  room: RoomId.optional(),
  /** The newest first. */
  limit: z.coerce.number().pipe(z.int().min(1).max(1000)).default(100),
});
export type RecordingQuery = z.input<typeof RecordingQuery>;
export const RecordingList = z.object({ recordings: z.array(Recording) });

/** Something about a recording has changed that users wait for. */
export const RecordingEvent = z.object({
  /** Grows with each event of the delivery node. */
  sequence: z.int().min(1),
  type: z.enum(['started', 'incomplete', 'finished', 'failed']),
  recording: Recording,
});
export type RecordingEvent = z.infer<typeof RecordingEvent>;

/** `GET /delivery/recordings/events`: answered when there is one after `after`, or after `waitSeconds` with none. */
export const RecordingEventQuery = z.object({
  after: z.coerce.number().pipe(z.int().min(0)),
  waitSeconds: z.coerce.number().pipe(z.int().min(0).max(30)).default(0),
});
export const RecordingEventList = z.object({ events: z.array(RecordingEvent), newest: z.int() });
