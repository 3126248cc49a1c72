/**
 * The program on its way back into its room: which RTP streams a compositor sends to the SFU, by the connection that media comes to it on
 * (Control's `return`). Somebody who looks at the program sees the pictures that viewers get, encoded once; who listens hears all but themselves.
 */
import { z } from 'zod';
import { PeerId } from './ids.ts';
import { MAX_SEATS } from './job.ts';

/** One RTP stream, as the SFU's producer describes it. */
const ReturnStream = z.object({
  ssrc: z.int().min(1).max(0xffffffff),
  payloadType: z.int().min(0).max(127),
});
export type ReturnStream = z.infer<typeof ReturnStream>;

/** All that is wanted; what is not named is not sent, and not encoded. */
export const ReturnOrder = z.object({
  /** The largest video rendition, H.264 (RFC 6184, packetization mode 1); null: nobody looks. */
  video: ReturnStream.nullable(),
  /** Opus (RFC 7587), one mix for each listener: the program without what that person sends. */
  sounds: z.array(ReturnStream.extend({ peer: PeerId })).max(MAX_SEATS),
});
export type ReturnOrder = z.infer<typeof ReturnOrder>;

/** What is consumed of the program, as `SourceKind` of a person. */
export const PROGRAM_SOURCES = ['program', 'program-sound'] as const;
export type ProgramSource = (typeof PROGRAM_SOURCES)[number];

/** Clocks of the two streams' RTP timestamps, Hz (RFC 6184 section 8.1, RFC 7587 section 4.1). */
export const RETURN_VIDEO_CLOCK = 90_000;
export const RETURN_SOUND_CLOCK = 48_000;
