/**
 * What lies behind the memory of a ProgramStore: segments on disk, for the time shift and for players that are behind. The store
 * asks it about what it has let go of itself; who implements it listens to the store's `visible` and `gap` events.
 *
 * Memory holds the newest 30 s. A segment that is older is listed as long as the window reaches (`ProgramStore.listedFrom`) and may be
 * asked for until it is older than `ProgramStore.retainedFrom`: RFC 8216bis section 6.2.2 wants a segment to be there for the length of
 * the playlist after it was dropped from it.
 */
import type { RenditionId } from '../contracts/ids.ts';

export interface SegmentArchive {
  /**
   * Whether the segment can be had from here, in all renditions. The store asks once, when memory lets go of a segment that is
   * still listed: false makes a gap of it for good.
   */
  holds(number: number): boolean;
  /** The bytes of the whole segment: its parts, one behind the other. null: not here (never stored, lost, or deleted). */
  segment(rendition: RenditionId, number: number): Promise<Buffer | null>;
  /** The bytes of one part of it, as they were put. null: not here. */
  part(rendition: RenditionId, number: number, part: number): Promise<Buffer | null>;
}
