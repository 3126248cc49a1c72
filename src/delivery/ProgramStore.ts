/**
 * The newest seconds of a program, in memory. In: parts from the intake. Out: bytes and the list of segments for the playlists, and
 * one `visible` event a part for the destinations. Next: hls/playlists.ts and destinations/ProgramFeed.ts.
 *
 * All renditions move in lockstep: a part becomes visible, in order, when every rendition has it. So all playlists always list the
 * same segments, and a segment is lost in all of them or in none.
 *
 * A position is `segment × parts per segment + part`: one growing number for everything that can be waited for.
 */
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { AppError } from '../contracts/errors.ts';
import { type Grid, partsPerSegment } from '../contracts/grid.ts';
import type { CompositorId, RenditionId } from '../contracts/ids.ts';
import type { ListedSegment } from './hls/playlists.ts';

/** Segments in a playlist: 16 s by default, enough for three target durations of hold-back and a player that fell behind. */
const LISTED_SEGMENTS = 8;
/** Segments in memory: a listed one must still be there for the length of the playlist after it was dropped from it (RFC 8216bis section 6.2.2). */
const KEPT_SEGMENTS = 17;

interface StoredSegment {
  number: number;
  compositor: CompositorId;
  parts: Map<RenditionId, (Buffer | undefined)[]>;
  /** `gap` and `complete` are for good. */
  state: ListedSegment['state'];
  /** Parts that are visible. */
  visible: number;
}

interface StoreEvents {
  /** The part is there in all renditions, and everything before it. */
  visible: [segment: number, part: number];
  /** The segment is lost for good. */
  gap: [segment: number];
  /** Nothing comes any more. */
  ended: [];
}

interface Waiter {
  position: number;
  resolve: (reached: boolean) => void;
  timer: NodeJS.Timeout;
}

export class ProgramStore extends TypedEmitter<StoreEvents> {
  readonly #renditions: readonly RenditionId[];
  readonly #partsPerSegment: number;
  readonly #segments = new Map<number, StoredSegment>();
  #waiters = new Set<Waiter>();
  /** The segment that is being filled; undefined before the first visible part. */
  #head: number | undefined;
  #version = 0;
  #ended = false;

  constructor(grid: Grid, renditions: readonly RenditionId[]) {
    super();
    this.#renditions = renditions;
    this.#partsPerSegment = partsPerSegment(grid);
  }

  /** Grows with each change that a playlist shows. */
  get version(): number {
    return this.#version;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The segment that is being filled; undefined before the first visible part. */
  get head(): number | undefined {
    return this.#head;
  }

  /** The first position that is not visible yet; 0 before the first. */
  get position(): number {
    if (this.#head === undefined) return 0;
    return this.#head * this.#partsPerSegment + (this.#segments.get(this.#head)?.visible ?? 0);
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Takes a part. What comes too late to be of use is dropped without a word; false then, or when it was there already. */
  put(rendition: RenditionId, number: number, part: number, bytes: Buffer, compositor: CompositorId): boolean {
    if (this.#ended || (this.#head !== undefined && number < this.#head)) return false;
    let segment = this.#segments.get(number);
    if (segment && segment.compositor !== compositor) {
      // Parts of two compositors are never mixed in one segment. What nobody has seen yet is the newer owner's to replace.
      if (segment.visible > 0) throw new AppError('not-taken', 'another compositor began this segment');
      segment = undefined;
    }
    if (!segment) {
      const parts = new Map(this.#renditions.map((id) => [id, [] as (Buffer | undefined)[]]));
      segment = { number, compositor, parts, state: 'open', visible: 0 };
      this.#segments.set(number, segment);
    }
    const list = segment.parts.get(rendition);
    if (!list || segment.state !== 'open' || list[part] !== undefined) return false;
    list[part] = bytes;
    this.#advance(number);
    return true;
  }

  /** Whether the rendition has the part, visible or not. */
  has(rendition: RenditionId, number: number, part: number): boolean {
    return this.#segments.get(number)?.parts.get(rendition)?.[part] !== undefined;
  }

  /** The newest segment of which anything has arrived. */
  get newestStored(): number {
    return Math.max(-1, ...this.#segments.keys());
  }

  /** The oldest segment that is still there; 0 before the first. */
  get oldestStored(): number {
    return this.#segments.size === 0 ? 0 : Math.min(...this.#segments.keys());
  }

  compositorOf(number: number): CompositorId | undefined {
    return this.#segments.get(number)?.compositor;
  }

  /** Gives up the segment that is being filled: it becomes a gap, and what waits behind it becomes visible. */
  loseHead(): void {
    const number = this.#head;
    if (number === undefined || this.#ended) return;
    const lost = this.#segments.get(number);
    if (lost) lost.state = 'gap';
    else this.#segments.set(number, { number, compositor: '', parts: new Map(), state: 'gap', visible: 0 });
    this.#head = number + 1;
    this.#changed();
    this.emit('gap', number);
    this.#advance(number + 1);
  }

  /** The last segment stays as short as it is. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const last = this.#head === undefined ? undefined : this.#segments.get(this.#head);
    if (last && last.state === 'open' && last.visible > 0) last.state = 'short';
    this.#changed();
    this.emit('ended');
  }

  /** What a playlist names, oldest first, without a hole in the numbers. */
  listed(): ListedSegment[] {
    if (this.#head === undefined) return [];
    const list: ListedSegment[] = [];
    for (let number = this.#head - LISTED_SEGMENTS; number <= this.#head; number++) {
      const segment = this.#segments.get(number);
      // A segment before the first visible one may lie there: never completed, and never to be.
      if (!segment || (segment.state === 'open' && (number < this.#head || segment.visible === 0))) continue;
      list.push({ number, state: segment.state, parts: segment.visible });
    }
    return list;
  }

  part(rendition: RenditionId, number: number, part: number): Buffer | undefined {
    const segment = this.#segments.get(number);
    return segment && part < segment.visible ? segment.parts.get(rendition)?.[part] : undefined;
  }

  /** The parts of a segment that is complete, in order. */
  segment(rendition: RenditionId, number: number): Buffer[] | undefined {
    const segment = this.#segments.get(number);
    if (segment?.state !== 'complete' && segment?.state !== 'short') return undefined;
    return segment.parts.get(rendition)?.slice(0, segment.visible) as Buffer[] | undefined;
  }

  /** Resolves true as soon as `position` is visible or nothing more will come, false after `limitMs` or when `signal` is aborted. */
  whenVisible(position: number, limitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#ended || position < this.position) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter: Waiter = { position, resolve, timer: setTimeout(() => this.#release(waiter, false), limitMs) };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', () => this.#release(waiter, false), { once: true });
    });
  }

  #release(waiter: Waiter, reached: boolean): void {
    clearTimeout(waiter.timer);
    this.#waiters.delete(waiter);
    waiter.resolve(reached);
  }

  #changed(): void {
    this.#version += 1;
    for (const waiter of this.#waiters) {
      if (this.#ended || waiter.position < this.position) this.#release(waiter, true);
    }
  }

  /** Makes visible what can be, beginning with `number` when nothing has been visible before. */
  #advance(number: number): void {
    if (this.#head === undefined && !this.#complete(number, 0)) return;
    this.#head ??= number;
    for (;;) {
      const segment = this.#segments.get(this.#head);
      if (!segment || !this.#complete(segment.number, segment.visible)) return;
      const part = segment.visible;
      segment.visible += 1;
      if (segment.visible === this.#partsPerSegment) {
        segment.state = 'complete';
        this.#head += 1;
        this.#forget(this.#head - KEPT_SEGMENTS);
      }
      this.#changed();
      this.emit('visible', segment.number, part);
    }
  }

  #complete(number: number, part: number): boolean {
    return this.#renditions.every((id) => this.has(id, number, part));
  }

  #forget(before: number): void {
    for (const number of this.#segments.keys()) if (number < before) this.#segments.delete(number);
  }
}
