/**
 * How a room fares (docs/health.md): figures of each person's upload and of the program, and what follows from them. A finding is a code with
 * its numbers; the pages have the sentence and the remedy for each, in the reader's language. In: what pages measure of their own sending
 * (`health:report`). Out: `room:health` to hosts, whole, and to everybody else with a seat about themselves; `GET /v1/rooms/:room/health`.
 */
import { z } from 'zod';
import { DegradationStep } from './degradation.ts';
import { PeerId } from './ids.ts';

/** Between two reports of a page, ms. */
export const HEALTH_REPORT_EVERY_MS = 4_000;
/** `room:health` comes at most this often, ms. */
export const HEALTH_EVERY_MS = 2_000;

const Share = z.number().min(0).max(100);

/** What holds a sender's picture back (W3C webrtc-stats, RTCQualityLimitationReason). */
export const UploadLimit = z.enum(['none', 'bandwidth', 'cpu', 'other']);
export type UploadLimit = z.infer<typeof UploadLimit>;

/** What only the sender knows of its sending, since its last report. */
export const HealthReport = z.object({
  /** The camera's picture as it is sent, in its highest layer; null: no camera is sent. */
  picture: z
    .object({ width: z.int().min(0).max(8192), height: z.int().min(0).max(8192), fps: z.number().min(0).max(240) })
    .nullable(),
  limitedBy: UploadLimit.default('none'),
  /** The most that the network takes by the sender's estimate, bits a second; null: not known. */
  availableBps: z.number().min(0).max(10_000_000_000).nullable().default(null),
  rttMs: z.number().min(0).max(60_000).nullable().default(null),
  /** For so long the microphone, which is on, has given not the faintest noise, ms. */
  silentMs: z
    .int()
    .min(0)
    .max(24 * 3_600_000)
    .default(0),
});
export type HealthReport = z.infer<typeof HealthReport>;

/** Of more than `info` hosts are told in a sentence. */
export const Severity = z.enum(['info', 'warn', 'bad']);
export type Severity = z.infer<typeof Severity>;
export const severityRank = (severity: Severity | undefined): number =>
  severity === undefined ? -1 : Severity.options.indexOf(severity);

/** What can be found; docs/health.md has the thresholds and remedies. */
export const FindingCode = z.enum([
  // Of a person.
  'upload', // the way to the server loses packets, or carries too little
  'delay', // it takes long
  'jitter', // it takes now long, now short
  'cpu', // the sender's machine is at its limit
  'tcp', // media goes by TCP
  'no-picture', // a camera that is on, of which nothing comes
  'no-sound', // likewise a microphone
  'silent', // a microphone that is on and gives nothing
  'away', // the connection dropped
  // Of the program.
  'starved', // the compositor gives way to CPU pressure
  'late', // frames are late
  'slow', // fewer frames than there should be
  'recovering', // the compositor was lost
  'clock', // the compositor's clock is off
  'delivery', // parts are long on their way to delivery
  // Of what viewers and others get of it.
  'behind', // viewers are far behind
  'stalls', // viewers' pictures stand still
  'destination-lost',
  'destination-failed',
  'destination-slow',
  'recording', // it is not whole
]);
export type FindingCode = z.infer<typeof FindingCode>;

export const Finding = z.object({
  /** What it is about, once: code, and the person's or destination's id. */
  key: z.string(),
  code: FindingCode,
  severity: Severity,
  /** Whom it is about. */
  peer: PeerId.optional(),
  /** What the sentence names, such as `kbits`, `lost`, `ms`, `step`, `name`. */
  values: z.record(z.string(), z.union([z.string(), z.number()])),
});
export type Finding = z.infer<typeof Finding>;

/** `none`: nothing of it is to be judged: it sends nothing, or is away. */
export const UploadLevel = z.enum(['none', 'poor', 'fair', 'good']);
export type UploadLevel = z.infer<typeof UploadLevel>;

export const PersonHealth = z.object({
  peer: PeerId,
  level: UploadLevel,
  /** Bits a second that arrive, sound and picture. */
  bitrate: z.number(),
  /** Percent of its packets that do not arrive at first (retransmitted ones are among them); null: not known yet. */
  lostPercent: Share.nullable(),
  jitterMs: z.number().nullable(),
  rttMs: z.number().nullable(),
  /** Simulcast layers of the camera that arrive, of how many. */
  layers: z.object({ sent: z.int(), of: z.int() }).nullable(),
  protocol: z.enum(['udp', 'tcp']).nullable(),
  /** As the sender reports; null where it does not. */
  picture: HealthReport.shape.picture,
  limitedBy: UploadLimit,
  availableBps: z.number().nullable(),
});
export type PersonHealth = z.infer<typeof PersonHealth>;

/** What the last 10 s of a program were like, on top of what BroadcastStatus has. */
export const ProgramFigures = z.object({
  /** Percent of the frames that were composed more than a frame period after their time. */
  latePercent: Share,
  /** CPU of the compositor, percent of one core; null: not known yet. */
  cpuPercent: z.number().nullable(),
  clockErrorMs: z.number(),
  /** From a part's end on the grid to delivery's answer, p95 of a second, ms. */
  deliveryMs: z.number(),
  /** How far viewers are behind what happens, as their pages say: half of them less, ms; null: none says. */
  latencyMs: z.number().nullable(),
  /** Percent of their time in which the picture stood still; null: none says. */
  stalledPercent: Share.nullable(),
});
export type ProgramFigures = z.infer<typeof ProgramFigures>;

export const ProgramHealth = ProgramFigures.extend({
  fps: z.number(),
  /** As the program is set. */
  wantedFps: z.number(),
  bitrate: z.number(),
  viewers: z.int(),
  degradation: DegradationStep,
});
export type ProgramHealth = z.infer<typeof ProgramHealth>;

export const RoomHealth = z.object({
  /** Those with a seat. */
  people: z.array(PersonHealth),
  /** null: the room is not live. */
  program: ProgramHealth.nullable(),
  /** The worst first. */
  findings: z.array(Finding),
});
export type RoomHealth = z.infer<typeof RoomHealth>;
