/**
 * Watches the program against the grid: which part is late, which segment is lost. In: the clock and what the store has. Out:
 * `late` and `lost`. Knows nothing of why.
 *
 * Timestamps. Program time is the controller's monotonic clock minus the broadcast's `startMs`, followed by four-timestamp
 * exchanges; before the first exchange nothing is judged.
 */
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { type Grid, partSeconds, partStartMs, partsPerSegment, segmentSeconds } from '../contracts/grid.ts';
import type { CompositorId, RenditionId } from '../contracts/ids.ts';
import type { ProgramStore } from './ProgramStore.ts';
import type { TakeLedger } from './TakeLedger.ts';

/** A compositor of which nothing has come for this many parts will not complete what it began. */
const SILENT_PARTS = 3;
/** Grace for a segment whose successor is arriving from another compositor, in parts. */
const HANDOFF_GRACE_PARTS = 2;
/** A segment that is this many segments late is lost, whatever may still come. */
const LOST_AFTER_SEGMENTS = 2;
/** The timer never spins faster than this, ms. */
const MIN_SLEEP_MS = 5;

interface WatchEvents {
  /** A part has not arrived one part after its time; `count` parts in a row are missing now, this one the newest. */
  late: [late: { rendition: RenditionId; segment: number; part: number; count: number }];
  /** The segment that is being filled can not be completed any more. */
  lost: [segment: number];
  /** Each time that a part was due, after it was judged. */
  tick: [programMs: number];
}

export interface GridWatchOptions {
  grid: Grid;
  renditions: readonly RenditionId[];
  store: ProgramStore;
  takes: TakeLedger;
  /** Program time in ms; null before the first exchange. */
  programMs: () => number | null;
}

export class GridWatch extends TypedEmitter<WatchEvents> {
  readonly #options: GridWatchOptions;
  readonly #partsPerSegment: number;
  readonly #partMs: number;
  readonly #lastArrival = new Map<CompositorId, number>();
  /** The position that is judged next; undefined before the first take. */
  #due: number | undefined;
  /** The first position of the newest take: what counts towards its `count`. */
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: GridWatchOptions) {
    super();
    this.#options = options;
    this.#partsPerSegment = partsPerSegment(options.grid);
    this.#partMs = partSeconds(options.grid) * 1000;
    this.#arm();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A part of the compositor has arrived. */
  arrived(compositor: CompositorId): void {
    const now = this.#options.programMs();
    if (now !== null) this.#lastArrival.set(compositor, now);
    this.#findLost();
  }

  /** A compositor was given all from `segment` on: the watch goes on there. */
  taken(segment: number): void {
    this.#since = segment * this.#partsPerSegment;
    this.#due = Math.max(this.#due ?? 0, this.#since);
    this.#arm();
  }

  /** Judges everything that is due now. Called by the timer; tests with a clock of their own call it themselves. */
  check(): void {
    const now = this.#options.programMs();
    if (now === null || this.#closed) return;
    while (this.#due !== undefined && this.#deadline(this.#due) <= now) {
      this.#judge(this.#due);
      this.#due += 1;
    }
    this.#findLost();
    this.emit('tick', now);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const now = this.#options.programMs();
    const wait = now === null || this.#due === undefined ? this.#partMs : this.#deadline(this.#due) - now;
    this.#timer = setTimeout(
      () => {
        this.check();
        this.#arm();
      },
      // During a wait for a segment in the future the loop still ticks: holes are filled and found by it.
      Math.min(this.#partMs, Math.max(MIN_SLEEP_MS, wait)),
    );
  }

  /** One part after the end of the part. */
  #deadline(position: number): number {
    return partStartMs(this.#options.grid, 0, position + 2);
  }

  #judge(position: number): void {
    const missing = this.#missing(position);
    if (missing.length === 0) return;
    let count = 1;
    while (position - count >= this.#since && this.#missing(position - count).length > 0) count += 1;
    const segment = Math.floor(position / this.#partsPerSegment);
    const part = position % this.#partsPerSegment;
    for (const rendition of missing) this.emit('late', { rendition, segment, part, count });
  }

  #missing(position: number): RenditionId[] {
    const { store, renditions } = this.#options;
    if (position < store.position) return [];
    const segment = Math.floor(position / this.#partsPerSegment);
    return renditions.filter((id) => !store.has(id, segment, position % this.#partsPerSegment));
  }

  #findLost(): void {
    const { store } = this.#options;
    for (;;) {
      const head = store.head;
      if (head === undefined || store.ended || this.#closed || !this.#isLost(head)) return;
      this.emit('lost', head);
      if (store.head === head) return;
    }
  }

  #isLost(head: number): boolean {
    const { grid, store, takes, programMs } = this.#options;
    const now = programMs();
    const newest = store.newestStored;
    if (newest >= head + LOST_AFTER_SEGMENTS && store.compositorOf(newest) === this.#ownerOf(head)) return true;
    if (now === null) return false;
    const end = partStartMs(grid, head + 1, 0);
    if (now >= end + LOST_AFTER_SEGMENTS * segmentSeconds(grid) * 1000) return true;
    if (newest <= head || store.compositorOf(newest) === this.#ownerOf(head)) return false;
    // Another compositor's successor is arriving.
    const silentSince = this.#lastArrival.get(this.#ownerOf(head) ?? '') ?? Number.NEGATIVE_INFINITY;
    const silent = now - silentSince >= SILENT_PARTS * this.#partMs;
    return now >= end && (silent || now >= end + HANDOFF_GRACE_PARTS * this.#partMs) && takes.newest !== undefined;
  }

  #ownerOf(segment: number): CompositorId | undefined {
    return this.#options.store.compositorOf(segment) ?? this.#options.takes.ownerOf(segment)?.compositor;
  }
}
