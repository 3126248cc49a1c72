import type { JobSource } from '../contracts/job.ts';
import type { Carry } from './jobs.ts';
import type { MediaTap } from './MediaTap.ts';

/** What a compositor knows of a source, and of which stream. */
export interface Carried {
  producer: string;
  carry: Carry;
}

type Streams = Pick<MediaTap, 'producerOf' | 'keepsTimestamps'>;

/** What a compositor says it knows, with the streams that it is true of. */
export function carriedOf(sources: Readonly<Record<string, Carry>>, tap: Streams): Record<string, Carried> {
  const carried: Record<string, Carried> = {};
  for (const [id, carry] of Object.entries(sources)) {
    const producer = tap.producerOf(id);
    if (producer) carried[id] = { producer, carry };
  }
  return carried;
}

/**
 * The source with what a predecessor knew, when the stream is the same. RTP times do not hold for simulcast, since a new consumer starts
 * its timeline with whichever layer comes first.
 */
export function withCarry(source: JobSource, carried: Readonly<Record<string, Carried>>, tap: Streams): JobSource {
  const known = carried[source.id];
  if (!known || known.producer !== tap.producerOf(source.id)) return source;
  const { carry } = known;
  return { ...source, carry: tap.keepsTimestamps(source.id) ? carry : { ...carry, rtpToProgram: null } };
}
