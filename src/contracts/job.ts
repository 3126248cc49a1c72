import { z } from 'zod';
import { Grid } from './grid.ts';
import {
  BroadcastId,
  CompositorId,
  Fence,
  FrameNumber,
  PeerId,
  Protocol,
  RenditionId,
  SegmentNumber,
  SourceId,
  SourceKind,
} from './ids.ts';
import { Scene } from './scene.ts';

/** The most sources of one kind in a program: one for each seat. */
export const MAX_SEATS = 16;

/** mediasoup's SRTP parameters; only AEAD_AES_128_GCM is used (RFC 7714): 16 bytes key, 12 bytes salt, base64. */
export const SrtpParameters = z.object({
  cryptoSuite: z.literal('AEAD_AES_128_GCM'),
  keyBase64: z.string().length(40),
});
export type SrtpParameters = z.infer<typeof SrtpParameters>;

export const VideoRendition = z.object({
  id: RenditionId,
  kind: z.literal('video'),
  width: z.int().min(16).max(3840).multipleOf(2),
  height: z.int().min(16).max(3840).multipleOf(2),
  /** Bits a second. */
  bitrate: z.int().min(50_000).max(50_000_000),
});
export const AudioRendition = z.object({
  id: z.literal('a0'),
  kind: z.literal('audio'),
  bitrate: z.int().min(32_000).max(512_000),
});
export const Rendition = z.discriminatedUnion('kind', [VideoRendition, AudioRendition]);
export type VideoRendition = z.infer<typeof VideoRendition>;
export type AudioRendition = z.infer<typeof AudioRendition>;
export type Rendition = z.infer<typeof Rendition>;

export const VideoCodec = z.enum(['libx264', 'h264_nvenc', 'h264_vaapi', 'h264_qsv']);
export type VideoCodec = z.infer<typeof VideoCodec>;

/** Settings that must be equal in every compositor of a broadcast: they decide the bytes of the init segments. */
export const EncoderSettings = z.object({
  codec: VideoCodec.default('libx264'),
  /** Where the codec cannot be opened libx264 may stand in for it: only while no compositor of the broadcast has said which it uses. */
  fallback: z.boolean().default(false),
  preset: z.enum(['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium']).default('veryfast'),
  tune: z.literal('zerolatency').default('zerolatency'),
  profile: z.enum(['baseline', 'main', 'high']).default('main'),
  threads: z.int().min(1).max(16).default(1),
});
export type EncoderSettings = z.infer<typeof EncoderSettings>;

/** One RTP stream that the compositor gets, as the consumer on the SFU's side describes it. */
export const JobSource = z.object({
  id: SourceId,
  peer: PeerId,
  kind: SourceKind,
  /** `video/VP8`, `video/H264`, `audio/opus`. */
  mime: z.string().regex(/^(video|audio)\/[A-Za-z0-9-]+$/),
  payloadType: z.int().min(0).max(127),
  clockRate: z.int().min(8000).max(192_000),
  /** Format parameters (`a=fmtp`), as mediasoup has them. */
  fmtp: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).default({}),
  ssrc: z.int().min(1).max(0xffffffff),
  /** True while the producer is paused (camera off, microphone muted): a placeholder, silence. */
  paused: z.boolean().default(false),
  /**
   * Grows with each source that starts in the room: the newest shared screen has the highest. Absent: unknown, older than any other;
   * among equals the later in the list counts as the newer.
   */
  since: z.int().min(0).optional(),
  /**
   * What a predecessor knew, so that a successor looks and sounds the same: playout delay, gain, and program time in
   * ms of an RTP timestamp (`programMs = atProgramMs + (ts − atRtp) / clockRate × 1000`).
   */
  carry: z
    .object({
      playoutDelayMs: z.number(),
      gainDb: z.number(),
      rtpToProgram: z.object({ atRtp: z.number(), atProgramMs: z.number() }).nullable(),
    })
    .optional(),
});
export type JobSource = z.infer<typeof JobSource>;

/** A person in the program; one without a visible camera or screen is a placeholder tile. */
export const JobPeer = z.object({ id: PeerId, name: z.string().max(64) });
export type JobPeer = z.infer<typeof JobPeer>;

/** What a compositor is given: the scene plus the private wiring. A change is always a whole new job. */
export const Job = z.object({
  protocol: Protocol,
  broadcast: BroadcastId,
  compositor: CompositorId,
  fence: Fence,
  /** Wall-clock label of frame 0, ms since 1970. Nothing is timed by it. */
  epoch: z.number(),
  /** The controller's monotonic clock at frame 0, ms. Program time is the controller's clock minus this. */
  startMs: z.number(),
  grid: Grid,
  encoder: EncoderSettings,
  renditions: z.array(Rendition).min(2).max(8),
  /** Where parts go: the base URL of the delivery node's internal port, without a slash at the end. */
  deliveryUrl: z.url(),
  /** The first segment that goes there; what is before it goes where the job before this one said. */
  deliveryFrom: SegmentNumber.default(0),
  /** A `service` token for delivery. */
  token: z.string(),
  /** The first segment that this compositor puts. */
  firstSegment: SegmentNumber,
  /** The first frame that this job holds for. Never earlier than a frame that is composed already. */
  fromFrame: FrameNumber.default(0),
  scene: Scene,
  peers: z.array(JobPeer).max(MAX_SEATS),
  sources: z.array(JobSource).max(MAX_SEATS * 4),
  /** Who speaks, or did last: debounced by the controller, so that a successor looks the same. */
  active: PeerId.nullable().default(null),
  /** Everybody who speaks now; for the marks. */
  speaking: z.array(PeerId).max(MAX_SEATS).default([]),
  /** Base URL (no slash at the end) of `/ASSET-ID` on the SFU's internal port, with the job's token; null: there are no assets. */
  assetsUrl: z.url().nullable().default(null),
});
export type Job = z.infer<typeof Job>;
