/**
 * Hot standby on the delivery side: a second compositor puts every segment, too. In: its parts (DeliveryBroadcast.ts). Out: a segment of it,
 * given to the store where the compositor at work leaves one undone. Asked by GridWatch.ts before it judges a segment.
 *
 * What is held of a segment is dropped when the store has it whole. Two cases where it does not:
 *   - nothing of it is to be seen yet, and its first part is late: the standby's takes its place, part by part from the first on;
 *   - some of its parts have been listed, and the next one is late: the standby's takes its place when it is whole. Who plays parts loses
 *     the rest of that one segment, who plays segments loses nothing.
 * So no segment has parts of two compositors, and a part's name means the same bytes for ever.
 */
import { type Grid, partStartMs, partsPerSegment } from '../contracts/grid.ts';
import type { CompositorId, RenditionId } from '../contracts/ids.ts';
import type { ProgramStore } from './ProgramStore.ts';
import { type Take, TakeLedger } from './TakeLedger.ts';

/** A part is late one part after its end on the grid, as in GridWatch.ts. */
const LATE_PARTS = 1;

export interface StandbySegment {
  compositor: CompositorId;
  parts: Map<RenditionId, (Buffer | undefined)[]>;
}

export interface StandbyOptions {
  grid: Grid;
  renditions: readonly RenditionId[];
  store: ProgramStore;
  /** Of the compositors at work. */
  takes: TakeLedger;
  /** It stands in for the segment. */
  onStandIn?: (segment: number) => void;
}

export class Standby {
  readonly #options: StandbyOptions;
  /** Of those that stand by. */
  readonly #takes = new TakeLedger();
  readonly #segments = new Map<number, StandbySegment>();
  /** Segments that the standby stood in for. */
  readonly #stoodIn = new Set<number>();

  constructor(options: StandbyOptions) {
    this.#options = options;
  }

  /** From segment `from` on `compositor` stands by. False when a newer one does already. */
  add(take: Take): boolean {
    return this.#takes.add(take);
  }

  /** Who stands by for the segment. */
  ownerOf(segment: number): Take | undefined {
    return this.#takes.ownerOf(segment);
  }

  /** The segment is a standby's although it is another's to put. */
  stoodIn(segment: number): boolean {
    const { store, takes } = this.#options;
    return this.#stoodIn.has(segment) && takes.ownerOf(segment)?.compositor !== store.compositorOf(segment);
  }

  /** It is not for this compositor to fill the segment, as far as is known. */
  standsBy(segment: number, compositor: CompositorId): boolean {
    const { store, takes } = this.#options;
    if (this.#takes.ownerOf(segment)?.compositor !== compositor) return false;
    if (store.compositorOf(segment) === compositor) return false;
    return takes.ownerOf(segment)?.compositor !== compositor || store.visibleParts(segment) > 0;
  }

  /** Takes a part of a segment that is not decided yet; else it is dropped. */
  put(rendition: RenditionId, number: number, part: number, bytes: Buffer, compositor: CompositorId): void {
    const { store, renditions } = this.#options;
    if (store.ended || (store.head !== undefined && number < store.head)) return;
    let segment = this.#segments.get(number);
    if (segment?.compositor !== compositor) {
      segment = { compositor, parts: new Map(renditions.map((id) => [id, []])) };
      this.#segments.set(number, segment);
    }
    const list = segment.parts.get(rendition);
    if (list && list[part] === undefined) list[part] = bytes;
  }

  /** Stands in for the segment that is being filled, where it is time; true when it did. */
  fill(nowMs: number): boolean {
    const { grid, store } = this.#options;
    const { head } = store;
    if (head === undefined || store.ended || store.isSlate(head)) return false;
    this.#forgetBefore(head);
    const visible = store.visibleParts(head);
    if (nowMs < partStartMs(grid, head, visible + 1 + LATE_PARTS)) return false;
    if (!this.#has(head, visible > 0 ? partsPerSegment(grid) : 1)) return false;
    // First: what it makes visible is told as the standby's.
    this.#stoodIn.add(head);
    this.#options.onStandIn?.(head);
    this.#give(head);
    return true;
  }

  /** `compositor` has the program from segment `from` on: what it has put of it already is the program's. */
  promote(compositor: CompositorId, from: number): void {
    const { store } = this.#options;
    for (const [number, segment] of [...this.#segments].toSorted(([a], [b]) => a - b)) {
      if (number < from || segment.compositor !== compositor || store.visibleParts(number) > 0) continue;
      this.#give(number);
    }
  }

  #give(number: number): void {
    const segment = this.#segments.get(number);
    this.#segments.delete(number);
    if (segment) this.#options.store.adopt(number, segment);
  }

  /** The first `parts` of the segment are there in all renditions. */
  #has(number: number, parts: number): boolean {
    const held = this.#segments.get(number)?.parts;
    if (!held) return false;
    return [...held.values()].every((list) => {
      for (let part = 0; part < parts; part++) if (!list[part]) return false;
      return true;
    });
  }

  #forgetBefore(head: number): void {
    for (const number of this.#segments.keys()) if (number < head) this.#segments.delete(number);
    const { listedFrom } = this.#options.store;
    for (const number of this.#stoodIn) if (number < listedFrom) this.#stoodIn.delete(number);
    this.#takes.forgetBefore(head);
  }
}
