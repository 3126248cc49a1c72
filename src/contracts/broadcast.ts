import { z } from 'zod';
import { CaptionTracks } from './captions.ts';
import { DegradationStep } from './degradation.ts';
import { DestinationStatus, ReconnectSeconds } from './deliveryControl.ts';
import { BroadcastId, DEFAULT_TENANT, DestinationId, RenditionId, TenantId } from './ids.ts';
import { PlaybackAccess } from './playback.ts';
import { RecordingStatus } from './recording.ts';
import { RenditionInput } from './renditionInput.ts';

/** `pending`: it waits for a compositor, and starts by itself. */
export const BroadcastState = z.enum(['pending', 'starting', 'live', 'recovering', 'ending', 'ended', 'failed']);
export type BroadcastState = z.infer<typeof BroadcastState>;

/**
 * Why a broadcast waits. `no-capacity`: it goes on when a compositor is free. `tenant-limit`: when another broadcast of its tenant ends.
 * `incompatible`: there are compositors, and none of a version that this server understands.
 */
export const WaitReason = z.enum(['no-capacity', 'tenant-limit', 'incompatible']);
export type WaitReason = z.infer<typeof WaitReason>;

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

export const BroadcastInput = z
  .object({
    destinations: z.array(DestinationInput).max(16).default([]),
    video: z
      .object({
        width: z.int().min(160).max(1920).multipleOf(2).default(1280),
        height: z.int().min(160).max(1920).multipleOf(2).default(720),
        fps: z
          .union([z.literal(15), z.literal(24), z.literal(25), z.literal(30), z.literal(50), z.literal(60)])
          .default(30),
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
    /** How far back viewers can go while it is live (time shift), seconds; 0: not beyond what players keep anyway. */
    dvrSeconds: z
      .int()
      .min(0)
      .max(6 * 3600)
      .default(0),
    /** Keeps the program as a recording: HLS and MP4. */
    record: z.boolean().default(false),
    /** Smaller video qualities that a finished recording is transcoded to, one after the other, when there is time. */
    transcode: z.array(RenditionInput).max(4).default([]),
    /** Whose it is: its use is summed up under this name (`GET /v1/usage`). */
    tenant: TenantId.default(DEFAULT_TENANT),
    /** The languages in which there may be captions that viewers turn on; empty: none. */
    captions: CaptionTracks.default([{ language: 'und' }]),
    /** A second compositor works along in the shadow: when one is lost, who plays whole segments and the recording lose nothing. */
    standby: z.boolean().default(false),
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
  )
  .refine(
    ({ video, renditions, transcode }) =>
      transcode.every(({ height }) => height < Math.min(video.width, video.height)) &&
      new Set([...renditions, ...transcode].map(({ height }) => height)).size === renditions.length + transcode.length,
    'a recording is transcoded to heights that are less than the video’s and that the program does not have',
  );
export type BroadcastInput = z.infer<typeof BroadcastInput>;

export const BroadcastStatus = z.object({
  id: BroadcastId,
  state: BroadcastState,
  /** Wall clock of frame 0, ms since 1970; null until it is known. */
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  endReason: z.enum(['stopped', 'empty', 'room-closed', 'shutdown', 'failed']).nullable(),
  /** Its place among all that wait for a compositor, the first is 1; null: it does not wait. `pending` and `recovering` ones may. */
  position: z.int().min(1).nullable().default(null),
  waitReason: WaitReason.nullable().default(null),
  /** Path of the multivariant playlist on the public port; with `playback: token` it needs a token in it. */
  playlist: z.string(),
  playback: PlaybackAccess.default('open'),
  video: z.object({ width: z.int(), height: z.int(), fps: z.int(), bitrate: z.int() }),
  /** All video qualities that viewers have, the largest first. */
  renditions: z.array(z.object({ id: RenditionId, width: z.int(), height: z.int(), bitrate: z.int() })).default([]),
  /** The languages in which there may be captions. */
  captions: CaptionTracks.default([]),
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
  /** null: it is not recorded. */
  recording: RecordingStatus.nullable().default(null),
});
export type BroadcastStatus = z.infer<typeof BroadcastStatus>;
export { DestinationId, RenditionInput };
