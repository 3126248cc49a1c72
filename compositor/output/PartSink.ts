import type { RenditionId } from '../../src/contracts/ids.ts';

/** One finished part of a rendition. */
export interface ProgramPart {
  rendition: RenditionId;
  segment: number;
  part: number;
  /** moof, mdat. */
  data: Buffer;
  /** Program time of its end on the grid, ms. */
  endMs: number;
}

/** Where the pipeline's output goes. `output/DeliverySink.ts` is the real one; tests collect. */
export interface PartSink {
  /** Resolves when the init segment is where it should be; rejects when that cannot be. */
  putInit(rendition: RenditionId, init: Buffer): Promise<void>;
  /** Likewise one segment of slate (a GOP) or silence. */
  putSlate(rendition: RenditionId, slate: Buffer): Promise<void>;
  /** Takes the part into its queue; never blocks. Parts of one rendition arrive in this order. */
  putPart(part: ProgramPart): void;
}
