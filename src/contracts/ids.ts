import { z } from 'zod';

/** The version of all six interfaces. A node understands its own and the one before; protocol.ts says how two find the one that they speak. */
export const PROTOCOL = 2;
export const OLDEST_PROTOCOL = 1;
export const Protocol = z.int().min(OLDEST_PROTOCOL).max(PROTOCOL);

/** Where people meet. It stands in URLs, so it is narrow: no dot, no slash, no percent sign. */
export const RoomId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'a room id is 1 to 64 of a-z, 0-9, _ and -');
export type RoomId = z.infer<typeof RoomId>;

/** Whose rooms these are, to the application that starts broadcasts: what use is summed by. */
export const TenantId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'a tenant is 1 to 64 of a-z, 0-9, _ and -');
export type TenantId = z.infer<typeof TenantId>;
export const DEFAULT_TENANT = 'default';

/** One connected person, made by the SFU; new for each join. */
export const PeerId = z.string().regex(/^p[a-z0-9]{8,31}$/);
export type PeerId = z.infer<typeof PeerId>;

/** One live run of a room's program. */
export const BroadcastId = z.string().regex(/^b[a-z0-9]{8,31}$/);
export type BroadcastId = z.infer<typeof BroadcastId>;

/** `a0` is the audio; `v720` the video of 720 lines (the shorter side). */
export const RenditionId = z.string().regex(/^(a0|v[1-9][0-9]{1,3})$/);
export type RenditionId = z.infer<typeof RenditionId>;

/** One thing that can be shown or heard: `PEER.camera`, `PEER.screen`, `PEER.microphone`, `PEER.screen-audio`. */
export const SourceKind = z.enum(['camera', 'screen', 'microphone', 'screen-audio']);
export type SourceKind = z.infer<typeof SourceKind>;
export const SourceId = z.string().regex(/^p[a-z0-9]{8,31}\.(camera|screen|microphone|screen-audio)$/);
export type SourceId = z.infer<typeof SourceId>;

export const DestinationId = z.string().regex(/^d[a-z0-9]{8,31}$/);
export type DestinationId = z.infer<typeof DestinationId>;

/** A link by which one person may come in; in its token as `invitation`. */
export const InvitationId = z.string().regex(/^i[a-z0-9]{8,31}$/);
export type InvitationId = z.infer<typeof InvitationId>;

/** The recording of one broadcast. */
export const RecordingId = z.string().regex(/^r[a-z0-9]{8,31}$/);
export type RecordingId = z.infer<typeof RecordingId>;

/** One compositor child; what delivery is told to `take` from. */
export const CompositorId = z.string().regex(/^c[a-z0-9]{8,31}$/);
export type CompositorId = z.infer<typeof CompositorId>;

/** A growing number of an ownership: who holds a lower one is refused. */
export const Fence = z.int().min(1);
export type Fence = z.infer<typeof Fence>;

/** Segment number *k* on the broadcast's grid: `[k × S, (k + 1) × S)`. */
export const SegmentNumber = z.int().min(0);
export const FrameNumber = z.int().min(0);

export const DisplayName = z
  .string()
  .trim()
  .min(1)
  .max(64)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
  .regex(/^[^\u0000-\u001f\u007f\u2028\u2029]*$/u, 'no control characters');
