/**
 * The next broadcast of a room, which starts by itself: at `startsAt`, or after a countdown. A room has at most one. It is kept until it starts,
 * is called off, or could not start and that has been seen. docs/schedule.md says what happens at the time.
 */
import { z } from 'zod';
import { BroadcastInput } from './broadcast.ts';
import { BroadcastId, DestinationId } from './ids.ts';

/** How far ahead a broadcast may be scheduled, ms. */
export const MAX_AHEAD_MS = 30 * 86_400_000;
/** Longest title, characters. */
export const TITLE_LENGTH = 120;
/** So long after its time it still starts, where nobody could start it before; then it has failed, ms. */
export const START_WITHIN_MS = 10 * 60_000;

export const ScheduleInput = z
  .object({
    /** ms since 1970 by the server's clock: in the future, at most 30 days ahead. */
    startsAt: z.int().min(0).optional(),
    /** In place of `startsAt`: a countdown of so many seconds that begins when the server has this. */
    inSeconds: z.int().min(1).max(3_600).optional(),
    /** What viewers read while they wait. Left out: as it was, or none. */
    title: z.string().trim().max(TITLE_LENGTH).optional(),
    /** What the broadcast starts with; stream keys are kept encrypted. Left out: as it was, or the defaults. */
    broadcast: BroadcastInput.optional(),
  })
  .strict()
  .refine(
    ({ startsAt, inSeconds }) => (startsAt === undefined) !== (inSeconds === undefined),
    'either `startsAt` or `inSeconds`',
  );
export type ScheduleInput = z.infer<typeof ScheduleInput>;

export const Schedule = z.object({
  /** The id that the broadcast will have. */
  broadcast: BroadcastId,
  /** Empty: it has none. */
  title: z.string(),
  /** ms since 1970. */
  startsAt: z.number(),
  /** When it was to start before a countdown to start at once began; null: this is no such countdown. */
  before: z.number().nullable(),
  createdAt: z.number(),
  /** `failed`: its time has come, and it could not be started. */
  state: z.enum(['scheduled', 'failed']),
  /** Why it has failed; else empty. */
  reason: z.string(),
  /** What it starts with, without destinations. */
  settings: BroadcastInput,
  /** Where to, without stream keys. */
  destinations: z.array(z.object({ id: DestinationId, name: z.string(), target: z.string() })),
});
export type Schedule = z.infer<typeof Schedule>;
