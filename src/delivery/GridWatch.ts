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
import { SLATE_AFTER_MS } from './SlateFiller.ts';
import type { Standby } from './Standby.ts';
import type { TakeLedger } from './TakeLedger.ts';

/** A compositor of which nothing has come for this many parts will not complete what it began. */
const SILENT_PARTS = 3;
/** Grace for a segment whose successor is arriving from another compositor, in parts. */
const HANDOFF_GRACE_PARTS = 2;
/**
 * A segment of which nothing comes any more is lost this long after its end, in target durations, but no later than slate would take
 * the next one's first place: a new segment is listed within 1.5 target durations after the last (RFC 8216bis section 6.2.1).
 */
const LOST_SILENT_SEGMENTS = 0.5;
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
  /** Stands in for what is late. */
  standby?: Standby;
  /** Puts what slate is due; true: the segment that is being filled is the slate's, and is not judged. SlateFiller.ts. */
  fillSlate?: (programMs: number, arriving: () => boolean) => boolean;
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
  /** When this process last woke from standing still for longer than a part; program time, ms. */
  #stalledAt = Number.NEGATIVE_INFINITY;
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
    while (this.#due !== undefined && this.#isOurs(this.#due) && this.#deadline(this.#due) <= now) {
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
    const due = this.#due !== undefined && this.#isOurs(this.#due) ? this.#due : undefined;
    const wait = now === null || due === undefined ? this.#partMs : this.#deadline(due) - now;
    // During a wait for a segment in the future the loop still ticks: holes are filled and found by it.
    const sleepMs = Math.min(this.#partMs, Math.max(MIN_SLEEP_MS, wait));
    this.#timer = setTimeout(() => {
      const woken = this.#options.programMs();
      // What was put while this process stood still has not been read yet.
      if (now !== null && woken !== null && woken > now + sleepMs + this.#partMs) this.#stalledAt = woken;
      this.check();
      this.#arm();
    }, sleepMs);
  }

  /** What another node has is not judged here. */
  #isOurs(position: number): boolean {
    return position < this.#options.store.stopBefore * this.#partsPerSegment;
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
    const segment = Math.floor(position / this.#partsPerSegment);
    // Slate, and what another stood in with, is what is shown, and not what was to come.
    if (store.isSlate(segment) || this.#options.standby?.stoodIn(segment)) return [...renditions];
    if (position < store.position) return [];
    return renditions.filter((id) => !store.has(id, segment, position % this.#partsPerSegment));
  }

  #findLost(): void {
    const { store, programMs, fillSlate, standby } = this.#options;
    for (;;) {
      const now = programMs();
      if (store.ended || this.#closed || (store.head ?? 0) >= store.stopBefore) return;
      if (now !== null && standby?.fill(now)) continue;
      if (now !== null && fillSlate?.(now, () => this.#isArriving(store.head, now))) return;
      const head = store.head;
      if (head === undefined || !this.#isLost(head)) return;
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
    const segmentMs = segmentSeconds(grid) * 1000;
    if (now >= end + LOST_AFTER_SEGMENTS * segmentMs) return true;
    const silent = !this.#isArriving(head, now);
    if (silent && now >= end + Math.min(LOST_SILENT_SEGMENTS * segmentMs, SLATE_AFTER_MS)) return true;
    if (newest <= head || store.compositorOf(newest) === this.#ownerOf(head)) return false;
    // Another compositor's successor is arriving.
    return now >= end && (silent || now >= end + HANDOFF_GRACE_PARTS * this.#partMs) && takes.newest !== undefined;
  }

  /** The segment's owner, or who stands by for it, has put something lately. */
  #isArriving(segment: number | undefined, now: number): boolean {
    if (segment === undefined) return false;
    const owners = [this.#ownerOf(segment), this.#options.standby?.ownerOf(segment)?.compositor];
    const last = Math.max(...owners.map((owner) => this.#lastArrival.get(owner ?? '') ?? Number.NEGATIVE_INFINITY));
    return now - Math.max(last, this.#stalledAt) < SILENT_PARTS * this.#partMs;
  }

  #ownerOf(segment: number): CompositorId | undefined {
    return this.#options.store.compositorOf(segment) ?? this.#options.takes.ownerOf(segment)?.compositor;
  }
}
