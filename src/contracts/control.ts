/**
 * Interface 2, Control: WebSocket `/control` on a compositor agent's internal port, one connection per broadcast and
 * compositor. The SFU's controller connects with `Authorization: Bearer SERVICE_TOKEN`. Each message is one JSON text.
 *
 *   controller          agent / child
 *     open        ──▶                      the agent gives the broadcast a child, or answers `refused`
 *                 ◀──   bound              the child has a UDP port
 *     connect     ──▶                      mediasoup's side of the PlainTransport
 *     job         ──▶
 *                 ◀──   encoder            which codec it is; all later jobs name it
 *                 ◀──   ready               decoders, encoders and slate stand; consumers may be resumed
 *     job …       ──▶                      every change is a whole new job
 *     slots       ──▶                      for the agent: what the broadcast costs now
 *     return      ──▶                      who looks at the program and listens to it in the room (programReturn.ts)
 *                 ◀──   stats, keyframe, seen, degraded, carry, clock …
 *                 ◀──   draining            the agent goes: the broadcast is to be handed over
 *     stop        ──▶
 *                 ◀──   ended
 * When the controller closes the connection, the child stops. When the connection breaks (WS_LOST), or the controller says with its code that it
 * goes and another one is to follow (WS_GOING_AWAY), a child that is ready goes on without one: for RECLAIM_MS, or until delivery
 * refuses its parts since another compositor was taken, or until another controller opens the same broadcast and there is no other place.
 * Both say only what the number in `open` has (protocol.ts, CONTROL_SINCE).
 */
import { z } from 'zod';
import { DegradationStep } from './degradation.ts';
import { BroadcastId, CompositorId, Fence, FrameNumber, Protocol, SegmentNumber, SourceId } from './ids.ts';
import { Job, SrtpParameters, VideoCodec } from './job.ts';
import { ReturnOrder } from './programReturn.ts';
import type { Since } from './protocol.ts';

const type = <T extends string, S extends z.core.$ZodLooseShape>(name: T, shape: S) =>
  z.object({ type: z.literal(name), ...shape });

/** Close codes (RFC 6455 section 7.4.1). The second is never sent: the connection broke. */
export const WS_GOING_AWAY = 1001;
export const WS_LOST = 1006;

/** Why a compositor child ended: log field, metric label and API value. */
export const CompositorEndReason = z.enum([
  'stopped', // it was told to
  'control-lost', // the controller's connection closed, and no other controller came
  'start-timeout', // it did not answer in time
  'fenced', // delivery refused its fence
  'unresponsive', // it stopped reporting
  'crashed', // it ended by itself or by a signal
]);
export type CompositorEndReason = z.infer<typeof CompositorEndReason>;

export const ControllerMessage = z.discriminatedUnion('type', [
  type('open', {
    protocol: Protocol,
    broadcast: BroadcastId,
    compositor: CompositorId,
    fence: Fence,
    /** What the broadcast is expected to cost (directory/placement/cost.ts). */
    slots: z.number().min(0).max(1000).default(1),
  }),
  /** What it costs, when that has changed. Only to an agent whose `bound` says that it counts; nothing is answered. */
  type('slots', { slots: z.number().min(0).max(1000) }),
  /** What is sent back to the SFU from now on; whole, each time. Only to a child whose `bound` says that it returns; nothing is answered. */
  type('return', ReturnOrder.shape),
  type('connect', { ip: z.string(), port: z.int(), srtpParameters: SrtpParameters }),
  type('job', { job: Job }),
  /** The answer to `clock-ask`; t1 and t2 are the controller's monotonic clock on receipt and on sending, ms. */
  type('clock', { t0: z.number(), t1: z.number(), t2: z.number() }),
  /** Stop; the last segment put is `lastSegment` when given (handoff), else the part that is complete now. */
  type('stop', { lastSegment: SegmentNumber.optional() }),
]);
export type ControllerMessage = z.infer<typeof ControllerMessage>;

export const CompositorStats = z.object({
  /** The newest composed frame. */
  frame: FrameNumber,
  /** Frames composed a second, over the last second. */
  fps: z.number(),
  /** Since the start. */
  frames: z.int(),
  /** Frames composed more than a frame period after their time on the grid. */
  lateFrames: z.int(),
  /** Frames for which the encoder was given the last picture again because composing had no time left, or to save time. */
  repeatedFrames: z.int(),
  /** p50/p95 over the last second, ms. */
  composeMsP50: z.number(),
  composeMsP95: z.number(),
  encodeMsP50: z.number(),
  encodeMsP95: z.number(),
  /** From a part's end on the grid to delivery's 2xx, p95 over the last second, ms. */
  partLatencyMsP95: z.number(),
  /** Bits a second put in the last second, all renditions. */
  bitrate: z.number(),
  /** CPU seconds of the process since its start. */
  cpuSeconds: z.number(),
  rssBytes: z.number(),
  /** |offset error| of the program clock by the last exchange, ms. */
  clockErrorMs: z.number(),
  /** How far the program gives way under CPU pressure now. */
  degradation: DegradationStep.default('none'),
  sources: z.record(
    SourceId,
    z.object({
      packets: z.int(),
      lost: z.int(),
      recovered: z.int(),
      nacks: z.int(),
      plis: z.int(),
      decoded: z.int(),
      dropped: z.int(),
      width: z.int(),
      height: z.int(),
      playoutDelayMs: z.number(),
    }),
  ),
});
export type CompositorStats = z.infer<typeof CompositorStats>;

export const CompositorMessage = z.discriminatedUnion('type', [
  /** No child to be had; nothing was started. */
  type('refused', { code: z.enum(['busy', 'draining', 'unauthorized', 'protocol']), message: z.string() }),
  /** `srtpParameters` is the child's sending side; `ip:port` is where it listens. */
  type('bound', {
    ip: z.string(),
    port: z.int(),
    srtpParameters: SrtpParameters,
    pid: z.int(),
    /** The agent takes `slots`. */
    countsSlots: z.boolean().optional(),
    /** The child takes `return`. */
    returns: z.boolean().optional(),
  }),
  /** Before the first init segment is put: with what this compositor encodes, and all its successors have to. */
  type('encoder', { codec: VideoCodec }),
  type('ready', {}),
  /** t0: the child's monotonic clock on sending, ms. */
  type('clock-ask', { t0: z.number() }),
  /** A job holds from this frame. */
  type('applied', { fromFrame: FrameNumber }),
  type('stats', { stats: CompositorStats }),
  /** The source needs a key frame (the RTCP PLI is sent as well; this is for the SFU's own bookkeeping). */
  type('keyframe', { source: SourceId }),
  /** The size in pixels at which each source is seen in the program; absent: not seen. */
  type('seen', { sources: z.record(SourceId, z.object({ width: z.int(), height: z.int() })) }),
  /** From this frame on the program gives way to CPU pressure so far; `none`: no more. */
  type('degraded', { step: DegradationStep, fromFrame: FrameNumber }),
  /** Each second: what a successor needs. */
  type('carry', {
    sources: z.record(
      SourceId,
      z.object({
        playoutDelayMs: z.number(),
        gainDb: z.number(),
        rtpToProgram: z.object({ atRtp: z.number(), atProgramMs: z.number() }).nullable(),
      }),
    ),
  }),
  /** The agent takes no new broadcasts, and ends this compositor after so many seconds: until then the broadcast can be handed over. */
  type('draining', { seconds: z.number().min(0) }),
  type('ended', {
    reason: CompositorEndReason,
    lastSegment: SegmentNumber.nullable(),
    message: z.string().default(''),
    /** CPU seconds of the process in all; absent: it died, or is of an older version. */
    cpuSeconds: z.number().optional(),
  }),
]);
export type CompositorMessage = z.infer<typeof CompositorMessage>;

/** Messages that are not of protocol 1. */
export const CONTROL_SINCE: Since<ControllerMessage | CompositorMessage> = { slots: 2, return: 2 };
