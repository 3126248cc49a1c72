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
}

/** What a store that goes on with a program has of it in memory. */
export interface Resumed {
  filling?: { compositor: CompositorId; parts: Map<RenditionId, Buffer[]> } | undefined;
  held?: ReadonlyMap<number, ReadonlyMap<RenditionId, Buffer[]>> | undefined;
}
