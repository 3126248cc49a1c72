import { z } from 'zod';
import { DegradationStep } from './degradation.ts';
import { DestinationStatus, ReconnectSeconds } from './deliveryControl.ts';
import { BroadcastId, DestinationId, RenditionId } from './ids.ts';
import { PlaybackAccess } from './playback.ts';

export const BroadcastState = z.enum(['starting', 'live', 'recovering', 'ending', 'ended', 'failed']);
export type BroadcastState = z.infer<typeof BroadcastState>;

export const DestinationInput = z
  .object({
    name: z.string().trim().min(1).max(64).default('destination'),
    /** rtmp://, rtmps:// or srt://; for RTMP the stream key is the last part of the path unless `key` is given. */
    url: z.string().min(8).max(2048),
    /** The stream key; kept secret. */
    key: z.string().min(1).max(512).optional(),
    reconnectSeconds: ReconnectSeconds.describe(
      'How long a lost connection is tried for before the destination has failed; null: as long as the broadcast lives.',
    ),
  })
  .strict();
export type DestinationInput = z.infer<typeof DestinationInput>;

/** A smaller video quality beside the main one: same picture, same shape, same frames. */
export const RenditionInput = z
  .object({
    /** Of the shorter side, pixels; less than the main video's. The longer side follows from the main video's shape. */
    height: z.int().min(144).max(1080).multipleOf(2),
    /** Bits a second; left out, it follows from the main video's. */
    bitrate: z.int().min(100_000).max(20_000_000).optional(),
  })
  .strict();
export type RenditionInput = z.infer<typeof RenditionInput>;

export const BroadcastInput = z
  .object({
    destinations: z.array(DestinationInput).max(16).default([]),
    video: z
      .object({
        width: z.int().min(160).max(1920).multipleOf(2).default(1280),
        height: z.int().min(160).max(1920).multipleOf(2).default(720),
        fps: z.union([z.literal(24), z.literal(25), z.literal(30), z.literal(50), z.literal(60)]).default(30),
        bitrate: z.int().min(200_000).max(20_000_000).default(2_500_000),
      })
      .strict()
      .prefault({}),
    /** Further video qualities of the same program; each costs another encoding. */
    renditions: z.array(RenditionInput).max(4).default([]),
    audio: z
      .object({ bitrate: z.int().min(32_000).max(320_000).default(128_000) })
      .strict()
      .prefault({}),
    /** `token`: only who has a playback token may watch (`POST /v1/rooms/:room/play-tokens`). */
    playback: PlaybackAccess.default('open'),
    /** How long an empty room shows the slate before the broadcast ends, seconds. */
    emptyGraceSeconds: z.int().min(1).max(86_400).default(60),
  })
  .strict()
  .refine(
    ({ video, renditions }) => renditions.every(({ height }) => height < Math.min(video.width, video.height)),
    'each rendition is smaller than the video',
  )
  .refine(
    ({ renditions }) => new Set(renditions.map(({ height }) => height)).size === renditions.length,
    'no two renditions are of the same height',
  );
export type BroadcastInput = z.infer<typeof BroadcastInput>;

export const BroadcastStatus = z.object({
  id: BroadcastId,
  state: BroadcastState,
  /** Wall clock of frame 0, ms since 1970; null until it is known. */
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  endReason: z.enum(['stopped', 'empty', 'room-closed', 'shutdown', 'failed']).nullable(),
  /** Path of the multivariant playlist on the public port; with `playback: token` it needs a token in it. */
  playlist: z.string(),
  playback: PlaybackAccess.default('open'),
  video: z.object({ width: z.int(), height: z.int(), fps: z.int(), bitrate: z.int() }),
  /** All video qualities that viewers have, the largest first. */
  renditions: z.array(z.object({ id: RenditionId, width: z.int(), height: z.int(), bitrate: z.int() })).default([]),
  /** Over the last second. */
  fps: z.number(),
  bitrate: z.number(),
  lateFrames: z.int(),
  /** How far the program gives way to CPU pressure now. */
  degradation: DegradationStep.default('none'),
  viewers: z.int(),
  /** Times that a compositor had to be replaced. */
  restarts: z.int(),
  destinations: z.array(DestinationStatus),
});
export type BroadcastStatus = z.infer<typeof BroadcastStatus>;
export { DestinationId };
