/**
 * What a viewer's page says of how it watches, every 30 seconds: `POST /live/:room/:broadcast/beacon` (with a playback token
 * `/live/~TOKEN/:room/:broadcast/beacon`) on delivery's public port, answered with 204. Delivery counts viewers by it, and keeps the
 * figures as metrics; nothing of it is kept of a single viewer.
 */
import { z } from 'zod';

/** Between two beacons of a page, ms. */
export const BEACON_EVERY_MS = 30_000;
/** The longest time that one beacon speaks of: a page that sleeps sends none, ms. */
const MAX_SPAN_MS = 10 * 60_000;

export const Beacon = z
  .object({
    /** Random, of one page that is open; tells it apart from others behind the same address. */
    session: z.string().regex(/^[\w-]{8,64}$/),
    /** Since the last beacon it should have played for so long, ms, */
    watchedMs: z.int().min(0).max(MAX_SPAN_MS),
    /** stood still so often, */
    stalls: z.int().min(0).max(10_000),
    /** and for so long, ms. */
    stalledMs: z.int().min(0).max(MAX_SPAN_MS),
    /** Behind the live edge, ms; null: not known. */
    latencyMs: z
      .int()
      .min(0)
      .max(24 * 3_600_000)
      .nullable(),
    /** From opening the page to the first picture, ms; in the first beacon of a page that was opened while it was live. */
    firstFrameMs: z.int().min(0).max(MAX_SPAN_MS).nullable(),
    /** The page is being closed. */
    leaving: z.boolean().default(false),
  })
  .strict();
export type Beacon = z.infer<typeof Beacon>;
