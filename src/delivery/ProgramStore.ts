/**
 * The newest seconds of a program, in memory, and the list of what came before. In: parts from the intake, and slate in their place
 * (SlateFiller.ts). Out: bytes and the list of segments for the playlists, and one `visible` event a part for the destinations and the
 * recording. Next: hls/playlists.ts and destinations/ProgramFeed.ts.
 *
 * All renditions move in lockstep: a part becomes visible, in order, when every rendition has it. So all playlists always list the
 * same segments, and a segment is lost in all of them or in none.
 *
 * Memory holds the bytes of the newest 30 s; the list reaches back further when there is an archive (SegmentArchive.ts).
 *
 * A position is `segment × parts per segment + part`: one growing number for everything that can be waited for.
 */
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { AppError } from '../contracts/errors.ts';
import { type Grid, partsPerSegment, segmentSeconds } from '../contracts/grid.ts';
import type { CompositorId, RenditionId } from '../contracts/ids.ts';
import type { ListedSegment } from './hls/playlists.ts';
import type { SegmentArchive } from './SegmentArchive.ts';
import type { StandbySegment } from './Standby.ts';
import type { Resumed, StoredSegment } from './StoredSegment.ts';
import { Waiters } from './Waiters.ts';

/** What memory holds, and so what a playlist lists without an archive, s. Apple asks for six segments at least (authoring specification 8.11). */
export const MEMORY_SECONDS = 30;
/**
 * Segments that can still be had after they were dropped from the list: each is there from when it was first listed for its own
 * length and that of the longest playlist with it (RFC 8216bis section 6.2.2), and an open segment makes the playlist longer by one.
 */
const GRACE_SEGMENTS = 3;
/** Who the slate's parts are from. No compositor has this id: theirs are longer. */
const SLATE: CompositorId = 'slate';

export interface ProgramStoreOptions {
  /** How far the playlists reach back when there is an archive, s; never less than what memory holds. */
  dvrSeconds?: number;
}

interface StoreEvents {
  /** The part is there in all renditions, and everything before it. `slate`: it stands in for a program that does not come. */
  visible: [segment: number, part: number, slate: boolean];
  /** Another compositor's whole segment takes the place of one that was begun; then come `visible` of the parts that were missing. */
  replaced: [segment: number];
  /** The segment is lost for good. */
  gap: [segment: number];
  /** Nothing comes any more. */
  ended: [];
}

export class ProgramStore extends TypedEmitter<StoreEvents> {
  readonly #renditions: readonly RenditionId[];
  readonly #partsPerSegment: number;
  readonly #segments = new Map<number, StoredSegment>();
  readonly #waiters = new Waiters();
  /** The segment that is being filled; undefined before the first visible part. */
  #head: number | undefined;
  #newest = -1;
  #version = 0;
  #ended = false;
  #closed = false;
  /** Nothing becomes visible before `resume`. */
  #waits = false;
  /** The first segment that is another node's; set by `stopAt`. */
  stopBefore = Number.POSITIVE_INFINITY;
  #archive: SegmentArchive | undefined;
  /** Segments that were joined, by the memory that their parts are views on. */
  readonly #wholes = new WeakMap<ArrayBufferLike, Buffer>();
  #list: { version: number; segments: readonly ListedSegment[] } | undefined;
  readonly #inMemory: number;
  readonly #inArchive: number;

  constructor(grid: Grid, renditions: readonly RenditionId[], { dvrSeconds = 0 }: ProgramStoreOptions = {}) {
    super();
    this.#renditions = renditions;
    this.#partsPerSegment = partsPerSegment(grid);
    this.#inMemory = Math.ceil(MEMORY_SECONDS / segmentSeconds(grid));
    this.#inArchive = Math.max(this.#inMemory, Math.ceil(dvrSeconds / segmentSeconds(grid)));
  }

  /** From now on, what memory lets go of is asked for there, and the list reaches as far back as the time shift does. undefined: there is none. */
  setArchive(archive: SegmentArchive | undefined): void {
    this.#archive = archive;
  }

  /** The oldest segment that may be listed. */
  get listedFrom(): number {
    return Math.max(0, (this.#head ?? 0) - (this.#archive ? this.#inArchive : this.#inMemory));
  }

  /** The oldest segment that may be asked for. An archive that is no recording may delete what is older. */
  get retainedFrom(): number {
    return Math.max(0, this.listedFrom - GRACE_SEGMENTS);
  }

  /** Grows with each change that a playlist shows. */
  get version(): number {
    return this.#version;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Nobody waits for anything here any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** From this segment on the program is another node's; null: it is all ours. */
  stopAt(segment: number | null): void {
    this.stopBefore = segment ?? Number.POSITIVE_INFINITY;
  }

  /** What is put stays invisible until `resume` tells what was before it. */
  wait(): void {
    this.#waits = true;
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
    if (this.#ended || this.#closed || number >= this.stopBefore) return false;
    if (this.#head !== undefined && number < this.#head) return false;
    let segment = this.#segments.get(number);
    if (segment && segment.compositor !== compositor) {
      // Parts of two compositors are never mixed in one segment. What nobody has seen yet is the newer owner's to replace.
      if (segment.compositor === SLATE) return false;
      if (segment.visible > 0) throw new AppError('not-taken', 'another compositor began this segment');
      segment = undefined;
    }
    if (!segment) {
      const parts = new Map(this.#renditions.map((id) => [id, [] as (Buffer | undefined)[]]));
      segment = { number, compositor, parts, state: 'open', visible: 0 };
      this.#segments.set(number, segment);
      this.#newest = Math.max(this.#newest, number);
    }
    const list = segment.parts.get(rendition);
    if (!list || segment.state !== 'open' || list[part] !== undefined) return false;
    list[part] = bytes;
    this.#advance(number);
    return true;
  }

  /** Another compositor's segment takes the place of this one, which nobody has seen yet, or of which parts are listed: then it is whole. */
  adopt(number: number, { compositor, parts }: StandbySegment): void {
    if (this.#ended || (this.#head !== undefined && number < this.#head)) return;
    const before = this.#segments.get(number);
    const segment: StoredSegment = { number, compositor, parts, state: 'open', visible: before?.visible ?? 0 };
    if (before && before.visible > 0) segment.torn = { visible: before.visible, parts: before.parts };
    this.#segments.set(number, segment);
    this.#newest = Math.max(this.#newest, number);
    if (segment.torn) this.emit('replaced', number);
    this.#advance(number);
  }

  /** The segment's own bytes were put in the place of parts that had been listed. */
  isTorn(number: number): boolean {
    return this.#segments.get(number)?.torn !== undefined;
  }

  /** Puts slate in the place of the part that is to be visible next; `parts` has one of each rendition. */
  putSlate(parts: ReadonlyMap<RenditionId, Buffer>): void {
    if (this.#head === undefined) return;
    const part = this.#segments.get(this.#head)?.visible ?? 0;
    for (const [rendition, bytes] of parts) this.put(rendition, this.#head, part, bytes, SLATE);
  }

  /** The segment is slate, from its first part on. */
  isSlate(number: number): boolean {
    return this.#segments.get(number)?.compositor === SLATE;
  }

  /** How many lost segments there are right before `number`. */
  gapsBefore(number: number): number {
    let gaps = 0;
    while (this.#segments.get(number - 1 - gaps)?.state === 'gap') gaps += 1;
    return gaps;
  }

  /** A segment behind `number` has begun in all renditions. */
  hasBegunAfter(number: number): boolean {
    for (let later = number + 1; later <= this.#newest; later++) if (this.#complete(later, 0)) return true;
    return false;
  }

  /** Whether the rendition has the part, visible or not. */
  has(rendition: RenditionId, number: number, part: number): boolean {
    return this.#segments.get(number)?.parts.get(rendition)?.[part] !== undefined;
  }

  /** The newest segment of which anything has arrived. */
  get newestStored(): number {
    return this.#newest;
  }

  /** How many parts of the segment are visible. */
  visibleParts(number: number): number {
    return this.#segments.get(number)?.visible ?? 0;
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
    this.#letGo(this.#head);
    this.#changed();
    this.emit('gap', number);
    this.#advance(number + 1);
  }

  /**
   * Goes on where the store of a process that died, or of another node, was: everything before position `next` was visible or lost,
   * beginning with segment `first`. Numbers never go back; what is neither in the archive nor in memory (Resumed) is a gap.
   */
  resume(first: number, next: number, { filling, held }: Resumed = {}): void {
    const visible = next % this.#partsPerSegment;
    const head = Math.floor(next / this.#partsPerSegment);
    const whole = visible === 0 || filling !== undefined;
    this.#head = whole ? head : head + 1;
    this.#newest = Math.max(this.#newest, this.#head - 1);
    for (let number = Math.max(first, this.listedFrom); number < this.#head; number++) {
      const parts = held?.get(number);
      const whole = parts !== undefined || (this.#archive?.holds(number) ?? false);
      const [state, visible] = whole ? (['complete', this.#partsPerSegment] as const) : (['gap', 0] as const);
      this.#segments.set(number, { number, compositor: '', parts: new Map(parts), state, visible });
    }
    if (filling && visible > 0) {
      this.#segments.set(head, { number: head, state: 'open', visible, ...filling });
      this.#newest = Math.max(this.#newest, head);
    }
    this.#waits = false;
    this.#changed();
    this.#advance(this.#head);
  }

  /** Nothing changes any more, and nobody is told that it has ended. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#waiters.close();
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

  /** What a playlist names, oldest first, without a hole in the numbers. The same array as long as the version is the same. */
  listed(): readonly ListedSegment[] {
    if (this.#list?.version !== this.#version) this.#list = { version: this.#version, segments: this.#makeList() };
    return this.#list.segments;
  }

  #makeList(): readonly ListedSegment[] {
    if (this.#head === undefined) return [];
    const list: ListedSegment[] = [];
    for (let number = this.listedFrom; number <= this.#head; number++) {
      const segment = this.#segments.get(number);
      // A segment before the first visible one may lie there: never completed, and never to be.
      if (!segment || (segment.state === 'open' && (number < this.#head || segment.visible === 0))) continue;
      const torn = segment.torn && segment.state !== 'open' ? { torn: true } : {};
      list.push({ number, state: segment.state, parts: segment.visible, ...torn });
    }
    return list;
  }

  part(rendition: RenditionId, number: number, part: number): Buffer | undefined {
    const segment = this.#segments.get(number);
    const { visible, parts } = segment?.torn ?? segment ?? { visible: 0 };
    return part < visible ? parts?.get(rendition)?.[part] : undefined;
  }

  /** All that has come of a segment, visible or not. */
  stored(rendition: RenditionId, number: number): readonly (Buffer | undefined)[] {
    return this.#segments.get(number)?.parts.get(rendition) ?? [];
  }

  /** The parts of a segment that is complete, in order; undefined also when memory has let go of it. */
  segment(rendition: RenditionId, number: number): Buffer[] | undefined {
    const segment = this.#segments.get(number);
    if (segment?.state !== 'complete' && segment?.state !== 'short') return undefined;
    return segment.parts.get(rendition)?.slice(0, segment.visible) as Buffer[] | undefined;
  }

  /** Joins the parts of a segment once: from then on they are views on it, and nothing is held twice. */
  #joined(rendition: RenditionId, number: number, parts: Buffer[]): Buffer {
    const [first] = parts;
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const there = first && this.#wholes.get(first.buffer);
    if (there?.length === length) return there;
    const whole = Buffer.allocUnsafeSlow(length);
    let at = 0;
    const views = parts.map((part) => {
      whole.set(part, at);
      at += part.length;
      return whole.subarray(at - part.length, at);
    });
    this.#segments.get(number)?.parts.set(rendition, views);
    this.#wholes.set(whole.buffer, whole);
    return whole;
  }

  #isArchived(number: number): boolean {
    const segment = this.#segments.get(number);
    return segment !== undefined && segment.parts.size === 0 && segment.state !== 'gap';
  }

  /** The bytes of a part that is or was listed, from memory or from the archive; null when it can not be had. */
  async readPart(rendition: RenditionId, number: number, part: number): Promise<Buffer | null> {
    const bytes = this.part(rendition, number, part);
    if (bytes) return bytes;
    return this.#isArchived(number) && !this.isTorn(number)
      ? (this.#archive?.part(rendition, number, part) ?? null)
      : null;
  }

  /** The bytes of a whole segment that is or was listed, from memory or from the archive; null when it can not be had. */
  async readSegment(rendition: RenditionId, number: number): Promise<Buffer | null> {
    const parts = this.segment(rendition, number);
    if (parts) return this.#joined(rendition, number, parts);
    return this.#isArchived(number) ? (this.#archive?.segment(rendition, number) ?? null) : null;
  }

  /** Resolves true as soon as `position` is visible or nothing more will come, false after `limitMs` or when `signal` is aborted. */
  whenVisible(position: number, limitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    if (this.#ended || position < this.position) return Promise.resolve(true);
    return this.#waiters.wait(position, limitMs, signal);
  }

  #changed(): void {
    this.#version += 1;
    this.#waiters.reached(this.#ended ? Number.POSITIVE_INFINITY : this.position);
  }

  /** Makes visible what can be, beginning with `number` when nothing has been visible before. */
  #advance(number: number): void {
    if (this.#waits || (this.#head === undefined && !this.#complete(number, 0))) return;
    this.#head ??= number;
    for (;;) {
      const segment = this.#segments.get(this.#head);
      if (!segment || !this.#complete(segment.number, segment.visible)) return;
      const part = segment.visible;
      segment.visible += 1;
      if (segment.visible === this.#partsPerSegment) {
        segment.state = 'complete';
        this.#head += 1;
        this.#letGo(this.#head);
      }
      this.#changed();
      this.emit('visible', segment.number, part, segment.compositor === SLATE);
    }
  }

  #complete(number: number, part: number): boolean {
    return this.#renditions.every((id) => this.has(id, number, part));
  }

  /** Lets go of the bytes that are older than what memory holds, and of all that can no longer be asked for. */
  #letGo(head: number): void {
    const retained = this.retainedFrom;
    const held = head - this.#inMemory - GRACE_SEGMENTS;
    // Oldest first: segments are put in order, but for the few that a dead compositor left.
    for (const [number, segment] of this.#segments) {
      if (number >= held) continue;
      if (number < retained) {
        this.#segments.delete(number);
      } else if (segment.parts.size > 0) {
        segment.parts = new Map();
        if (segment.torn) segment.torn = { visible: 0, parts: new Map() };
        if (segment.state === 'complete' && !this.#archive?.holds(number)) segment.state = 'gap';
      }
    }
  }
}
