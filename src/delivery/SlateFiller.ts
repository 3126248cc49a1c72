/**
 * Keeps the playlists going while nothing arrives from a compositor. In: the clock, and what the store has. Out: slate, put into the
 * store part by part when its time on the grid has come. Asked by GridWatch.ts before it judges a segment.
 *
 * What a compositor leaves undone is a gap at first, for at most `MAX_GAP_SECONDS`: a successor mostly comes within that, and whatever
 * is played in between would only delay it. Then slate, in real time, until a compositor's segment comes: it begins with an
 * IDR frame at a segment boundary, so the segment of slate before it is completed at once and nothing is mixed.
 */
import { type Grid, partStartMs, segmentSeconds } from '../contracts/grid.ts';
import type { RenditionId } from '../contracts/ids.ts';
import type { ProgramStore } from './ProgramStore.ts';
import type { SlateSegments } from './SlateSegments.ts';

/** Longest gap before the slate, s: as much as a player's three target durations of buffer ride out. */
const MAX_GAP_SECONDS = 6;
/** A part that has not come this long after its end on the grid is slate: the same as for destinations, ms. */
export const SLATE_AFTER_MS = 1000;

export interface SlateFillerOptions {
  grid: Grid;
  renditions: readonly RenditionId[];
  store: ProgramStore;
  slates: SlateSegments;
}

export class SlateFiller {
  readonly #options: SlateFillerOptions;
  readonly #maxGaps: number;
  /** The segment of slate that is being put, part by part and of each rendition: a newer slate must not show in its middle. */
  #current: { number: number; parts: ReadonlyMap<RenditionId, Buffer>[] } | undefined;

  constructor(options: SlateFillerOptions) {
    this.#options = options;
    this.#maxGaps = Math.max(1, Math.floor(MAX_GAP_SECONDS / segmentSeconds(options.grid)));
  }

  /**
   * Puts all slate that is due at `nowMs` of program time. True when the segment that is being filled then is the slate's, begun or
   * about to: it is not to be given up. `arriving`: the segment's owner is putting parts.
   */
  fill(nowMs: number, arriving: () => boolean): boolean {
    const { store } = this.#options;
    for (;;) {
      const { head } = store;
      if (head === undefined || store.ended || head >= store.stopBefore) return false;
      if (!store.isSlate(head) && (!this.#mayBegin(head) || arriving())) return false;
      const part = store.visibleParts(head);
      const parts = this.#partsOf(head)?.[part];
      if (!parts) return false;
      if (!store.hasBegunAfter(head) && nowMs < partStartMs(this.#options.grid, head, part + 1) + SLATE_AFTER_MS)
        return true;
      store.putSlate(parts);
    }
  }

  #mayBegin(head: number): boolean {
    const { store } = this.#options;
    if (store.visibleParts(head) > 0) return false;
    return store.isSlate(head - 1) || store.gapsBefore(head) >= this.#maxGaps;
  }

  #partsOf(number: number): readonly ReadonlyMap<RenditionId, Buffer>[] | undefined {
    if (this.#current?.number === number) return this.#current.parts;
    const { renditions, slates } = this.#options;
    const parts: Map<RenditionId, Buffer>[] = [];
    for (const rendition of renditions) {
      const segment = slates.segment(rendition, number);
      if (!segment) return undefined;
      for (const [part, bytes] of segment.entries()) {
        parts[part] ??= new Map();
        parts[part].set(rendition, bytes);
      }
    }
    this.#current = { number, parts };
    return parts;
  }
}
