/**
 * Usage: what was run, and for whom. The reports that nodes make of it, how they hand them to each other, and what the API answers.
 *
 * Between nodes, on the internal port of a delivery node, with a service token:
 *
 *   POST /delivery/usage        {reports} of an SFU node or of another delivery node; they are on the disk when 200 comes back
 *   GET  /delivery/usage        ?after=POSITION: what is in the ledger there, reports of others included
 */
import { z } from 'zod';
import { BroadcastId, RoomId, TenantId } from './ids.ts';

/**
 * `active`: a compositor works for the program. `output`: a rendition's media that came out, by rendition. Both are intervals of program time.
 * `cpu`: CPU ms of a compositor. `egress`: bytes to a destination, by destination. `viewers`: bytes of answers to viewers. These are counters.
 */
export const UsageKind = z.enum(['active', 'output', 'cpu', 'egress', 'viewers']);
export type UsageKind = z.infer<typeof UsageKind>;

export const isInterval = (kind: UsageKind): boolean => kind === 'active' || kind === 'output';

const Name = z.string().regex(/^[\w-]{0,64}$/);

/**
 * One statement about use that stays true for ever and can only be outdone by a larger one of the same name (all but `value`):
 *
 *   intervals  the broadcast was at work from `at` to `value`, ms of program time
 *   counters   `source` had counted to `value` in all when day `at` (days since 1970, UTC) was over, or so far
 */
export const UsageReading = z.object({
  broadcast: BroadcastId,
  kind: UsageKind,
  /** The rendition, or the destination; else empty. */
  subject: Name,
  /** Who counts, from 0, once: a compositor, a connection's owner, a process. Never used for another count. */
  source: Name,
  at: z.int().min(0),
  value: z.int().min(0),
});
export type UsageReading = z.infer<typeof UsageReading>;

/** What a node knows of a broadcast: one that only has viewers of it does not know whose it is. */
export const UsageBroadcast = z.object({
  id: BroadcastId,
  room: RoomId,
  tenant: TenantId.nullable().default(null),
  /** Wall-clock label of frame 0, ms since 1970: makes days of program time. */
  epoch: z.int().nullable().default(null),
});
export type UsageBroadcast = z.infer<typeof UsageBroadcast>;

/** An entry of the ledger. `node` is a process, `sequence` counts its reports. The same one again changes nothing. */
export const UsageReport = z.object({
  node: Name,
  sequence: z.int().min(1),
  /** Wall clock, ms since 1970. */
  at: z.int(),
  broadcasts: z.array(UsageBroadcast),
  /** Where destinations are, by id: scheme, host and application. */
  targets: z.record(Name, z.string().max(2048)).default({}),
  readings: z.array(UsageReading),
});
export type UsageReport = z.infer<typeof UsageReport>;

export const UsageReports = z.object({ reports: z.array(UsageReport).max(1000) });
/** `ledger`: which one has them; another one begins at 0. */
export const UsageTaken = z.object({ ledger: z.string() });
export const UsageFeedQuery = z.object({ after: z.coerce.number().pipe(z.int().min(0)).default(0) });
export const UsageFeed = UsageTaken.extend({
  reports: z.array(UsageReport),
  /** Of the last one of these: the next question's `after`. */
  position: z.int(),
  /** There are more. */
  more: z.boolean(),
});
export type UsageFeed = z.infer<typeof UsageFeed>;

/** A day in UTC. */
const Day = z.iso.date().refine((day) => day >= '1970-01-01' && day <= '9999-12-31', 'a day after 1970');
export const USAGE_KEYS = ['day', 'tenant', 'room', 'broadcast'] as const;
export const UsageKey = z.enum(USAGE_KEYS);
export type UsageKey = z.infer<typeof UsageKey>;

export const UsageQuery = z.object({
  from: Day.optional().describe('The first day, UTC.'),
  to: Day.optional().describe('The last day, UTC; it is part of it.'),
  room: RoomId.optional(),
  tenant: TenantId.optional(),
  by: z
    .string()
    .default('day,tenant,room')
    .transform((text) => text.split(',').map((key) => key.trim()))
    .pipe(z.array(UsageKey).min(1))
    // In the order of the answer, and each once.
    .transform((keys) => USAGE_KEYS.filter((key) => keys.includes(key)))
    .describe('What there is a sum for: some of day, tenant, room, broadcast, separated by commas.'),
  format: z.enum(['json', 'csv']).default('json'),
  limit: z.coerce.number().pipe(z.int().min(1).max(1000)).default(100).describe('Sums a page.'),
  after: z.string().max(1024).optional().describe('`next` of the page before.'),
});
export type UsageQuery = z.output<typeof UsageQuery>;

export const Money = z.object({
  /** ISO 4217. */
  currency: z.string(),
  /** Whole smallest units: cents. */
  minor: z.int(),
  /** The same as a decimal. */
  amount: z.string(),
});
export type Money = z.infer<typeof Money>;

const amounts = {
  /** How many broadcasts there was use of. */
  broadcasts: z.int(),
  /** In steps of 100 ms. */
  activeMs: z.int(),
  /** CPU of compositors. */
  cpuMs: z.int(),
  /** By rendition; `minutes` is rounded to three decimals. */
  output: z.array(z.object({ rendition: z.string(), ms: z.int(), minutes: z.number() })),
  /** To all destinations. */
  egressBytes: z.int(),
  viewerBytes: z.int(),
  /** null: there is no price table (LIANMAI_PRICES). */
  cost: Money.nullable(),
};

export const UsageSum = z.object({
  ...{ day: z.string().optional(), tenant: z.string().optional() },
  ...{ room: z.string().optional(), broadcast: z.string().optional() },
  ...amounts,
  /** `target`: scheme, host and application; empty when it is not known. */
  egress: z.array(z.object({ destination: z.string(), target: z.string(), bytes: z.int() })),
});
export type UsageSum = z.infer<typeof UsageSum>;

export const UsageAnswer = z.object({
  usage: z.array(UsageSum),
  /** Of everything that was asked for, on all pages. */
  total: z.object(amounts),
  /** False: a delivery node could not be asked just now, and what it has counted last comes later. */
  complete: z.boolean(),
  /** Where the next page begins; null: this is the last one. */
  next: z.string().nullable(),
});
export type UsageAnswer = z.infer<typeof UsageAnswer>;
