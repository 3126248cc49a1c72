/**
 * Interface 5, Delivery control: WebSocket `/delivery` on a delivery node's internal port, one connection per broadcast,
 * opened by the controller with `Authorization: Bearer SERVICE_TOKEN`. Each message is one JSON text.
 *
 * A connection that closes without `end` leaves the broadcast open for `RECLAIM_MS`: a controller with the same or a
 * higher fence may `open` it again. Then it is ended. Meanwhile, and until the next `take`, its compositor goes on.
 * Both say only what the number in `open` has (protocol.ts, DELIVERY_SINCE).
 */
import { z } from 'zod';
import { CaptionLine, CaptionTracks } from './captions.ts';
import { Grid } from './grid.ts';
import {
  BroadcastId,
  CompositorId,
  DEFAULT_TENANT,
  DestinationId,
  Fence,
  Protocol,
  RenditionId,
  RoomId,
  SegmentNumber,
  TenantId,
} from './ids.ts';
import { Rendition } from './job.ts';
import { PlaybackAccess } from './playback.ts';
import type { Since } from './protocol.ts';
import { RecordingStatus } from './recording.ts';
import { RenditionInput } from './renditionInput.ts';

const type = <T extends string, S extends z.core.$ZodLooseShape>(name: T, shape: S) =>
  z.object({ type: z.literal(name), ...shape });

/** How long a broadcast waits for its controller to come back, ms. */
export const RECLAIM_MS = 60_000;

export const DestinationState = z.enum(['connecting', 'live', 'reconnecting', 'failed', 'stopped']);
export type DestinationState = z.infer<typeof DestinationState>;

/**
 * Why a connection ended. `unreachable`: none came about. `refused`: the server turned the stream key (or the application) away.
 * `hung`: it took nothing any more. `closed`: it ended the connection. `crashed`: our own ffmpeg died. `policy`: not a place that may be
 * pushed to. `in-use`: another destination has this stream key. `slow`: the connection is there, but takes less than the program has.
 */
export const DestinationCause = z.enum([
  'unreachable',
  'refused',
  'hung',
  'closed',
  'crashed',
  'policy',
  'in-use',
  'slow',
]);
export type DestinationCause = z.infer<typeof DestinationCause>;

/** How long a lost connection is tried for, seconds; null: as long as the broadcast lives. */
export const ReconnectSeconds = z.int().min(0).max(86_400).nullable().default(null);

/** What a destination is given; `url` holds the stream key and never leaves delivery again. */
export const DestinationOrder = z.object({
  id: DestinationId,
  name: z.string().max(64),
  url: z.string().max(2048),
  reconnectSeconds: ReconnectSeconds,
});
export type DestinationOrder = z.infer<typeof DestinationOrder>;

/** What anybody may know of a destination. `target` is scheme, host and app: no key, no user, no query. */
export const DestinationStatus = z.object({
  id: DestinationId,
  name: z.string(),
  target: z.string(),
  state: DestinationState,
  /** Wall clock when it came into this state, ms since 1970. */
  since: z.number().default(0),
  /** What `reason` tells, as one of a closed set; null when there was nothing. */
  cause: DestinationCause.nullable().default(null),
  /** Wall clock of the next attempt while it waits for it, ms since 1970. */
  retryAt: z.number().nullable().default(null),
  /** The last error in a sentence, without secrets; empty when there was none. */
  reason: z.string(),
  /** Times connected; 1 is the first. */
  connects: z.int(),
  /** Bytes given to the connection since the start. */
  bytes: z.int(),
  /** Whole GOPs dropped because the destination was too slow. */
  droppedGops: z.int(),
});
export type DestinationStatus = z.infer<typeof DestinationStatus>;

/** Where a broadcast comes from. */
export const MovedFrom = z.object({
  /** Base URL of the other delivery node's internal port. */
  url: z.string().max(512),
  /** Higher than all that the broadcast had before: of two nodes that believe to have its playlists, the one with the higher one has. */
  fence: Fence,
  /** What can not be copied in this time stays there: a recording's beginning, at worst, ms. */
  copyMs: z.number().min(0),
  /** It has come: who does not know it any more, since it lost its disk, begins anew, and asks nobody who has long forgotten it. */
  arrived: z.boolean().optional(),
});
export type MovedFrom = z.infer<typeof MovedFrom>;

export const DeliveryOrder = z.discriminatedUnion('type', [
  type('open', {
    protocol: Protocol,
    broadcast: BroadcastId,
    room: RoomId,
    /** Wall-clock label of frame 0, ms since 1970. */
    epoch: z.number(),
    /** The controller's monotonic clock at frame 0, ms. */
    startMs: z.number(),
    grid: Grid,
    renditions: z.array(Rendition),
    dvrSeconds: z.int().min(0).default(0),
    record: z.boolean().default(false),
    playback: PlaybackAccess.default('open'),
    /** Further renditions of the finished recording. */
    transcode: z.array(RenditionInput).max(4).default([]),
    destinations: z.array(DestinationOrder).max(16).default([]),
    /** Renditions of captions. */
    captions: CaptionTracks.default([]),
    fence: Fence,
    tenant: TenantId.default(DEFAULT_TENANT),
    /** Another delivery node has it until now: this one copies it from there, and is asked to take it over from some segment on. */
    movedFrom: MovedFrom.nullable().default(null),
  }),
  /**
   * From segment `from` on, parts come from `compositor`. `standby`: from that one, too; delivery takes its segments where those of the compositor
   * at work do not come.
   */
  type('take', { from: SegmentNumber, compositor: CompositorId, fence: Fence, standby: z.boolean().optional() }),
  /** A line of captions; one that is there already, by its id, is not added again. Only to who has said in `opened` that it knows them. */
  type('caption', { line: CaptionLine }),
  type('add-destination', { destination: DestinationOrder }),
  type('remove-destination', { id: DestinationId }),
  /** Begins a recording with the segment that is shown now, or ends it with the part that is. */
  type('record', { on: z.boolean() }),
  /** Another delivery node has all from segment `from` on: what comes of it here is refused, and nothing is late or lost. null: take it back. */
  type('yield', { from: SegmentNumber.nullable() }),
  /** The other one, at this URL, has it altogether. Destinations are closed; `left` comes back. */
  type('moved', { url: z.string().max(512) }),
  type('clock', { t0: z.number(), t1: z.number(), t2: z.number() }),
  /** Close playlists (EXT-X-ENDLIST) and destinations. `ended` comes back, then the connection is closed. */
  type('end', {}),
]);
export type DeliveryOrder = z.infer<typeof DeliveryOrder>;

export const DeliveryReport = z.discriminatedUnion('type', [
  /** `arriving`: a compositor that was taken before is at work, and stays until another is taken. `captions`: it takes their lines. */
  type('opened', { arriving: z.boolean().default(false), captions: z.boolean().optional() }),
  type('refused', {
    /** `ended`: the broadcast is over, for example since nobody came back for it within RECLAIM_MS. */
    code: z.enum(['stale-fence', 'unauthorized', 'protocol', 'draining', 'bad-request', 'ended']),
    message: z.string(),
  }),
  /** The newest complete part of the slowest rendition. `standby`: a hot standby's, that of the compositor at work did not come. */
  type('part', { segment: SegmentNumber, part: z.int(), standby: z.boolean().optional() }),
  /** A part has not arrived one part after its time on the grid; `count` in a row. Three mean: the compositor is gone. */
  type('late', { rendition: RenditionId, segment: SegmentNumber, part: z.int(), count: z.int() }),
  /** Segment lost for good (EXT-X-GAP). */
  type('gap', { segment: SegmentNumber }),
  type('destination', { status: DestinationStatus }),
  /** What became of the recording, each time that it changes while the broadcast lives. */
  type('recording', { status: RecordingStatus }),
  type('clock-ask', { t0: z.number() }),
  type('stats', {
    /** Bits a second arriving, over the last second. */
    bitrate: z.number(),
    /** Players that fetched a playlist in the last 10 s, by connection address and user agent; an estimate. */
    viewers: z.int(),
    /** How far viewers are behind the live edge, as their pages say: half of them less, ms; null: none says. */
    latencyMs: z.number().min(0).nullable().default(null),
    /** Percent of their time in which the picture stood still; null: none says. */
    stalledPercent: z.number().min(0).max(100).nullable().default(null),
  }),
  type('ended', {}),
  /** This node goes; the broadcast is to be moved to another one within this time, ms. */
  type('draining', { withinMs: z.number() }),
  /** To `open` with `movedFrom`: what there is so far has been copied, and it can be told when to take over. */
  type('copied', {}),
  /** It has everything that was before what it takes over: viewers are served from here. */
  type('arrived', {}),
  /** To `moved`: nothing of it is here any more. */
  type('left', {}),
]);
export type DeliveryReport = z.infer<typeof DeliveryReport>;

/** Messages that are not of protocol 1. */
export const DELIVERY_SINCE: Since<DeliveryOrder | DeliveryReport> = {
  ...{ caption: 2, record: 2, yield: 2, moved: 2, draining: 2, copied: 2, arrived: 2, left: 2 },
};
