/** What a ProgramStore keeps. */
import type { CompositorId, RenditionId } from '../contracts/ids.ts';
import type { ListedSegment } from './hls/playlists.ts';

export interface StoredSegment {
  number: number;
  compositor: CompositorId;
  /** Empty when memory has let go of the bytes. */
  parts: Map<RenditionId, (Buffer | undefined)[]>;
  /** `gap` and `complete` are for good. */
  state: ListedSegment['state'];
  /** Parts that are visible. */
  visible: number;
  /** Its parts as they were listed, before another compositor's whole segment took its place; it is listed without parts since. */
  torn?: { visible: number; parts: Map<RenditionId, (Buffer | undefined)[]> };
}

/** What a store that goes on with a program has of it in memory. */
export interface Resumed {
  /** The visible parts of the segment that was being filled, when they are all there still. */
  filling?: { compositor: CompositorId; parts: Map<RenditionId, Buffer[]> } | undefined;
  /** Whole segments that are in no archive. */
  held?: ReadonlyMap<number, ReadonlyMap<RenditionId, Buffer[]>> | undefined;
}
