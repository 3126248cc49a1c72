/**
 * One broadcast on the delivery side: owns its store, its watch and its destinations. In: parts (intakeRoutes.ts) and orders
 * (ControlSession.ts). Out: reports to the controller, playlists and media (hls/PlaybackFiles.ts).
 *
 * Timestamps. Program time is the controller's monotonic clock minus `startMs`; a ClockFollower follows it, a new one for each
 * control connection. `epoch` labels PROGRAM-DATE-TIME and nothing else.
 */
import { ClockFollower, type Exchange } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { DestinationOrder } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import { type Grid, partSeconds, partStartMs, partsPerSegment } from '../contracts/grid.ts';
import type { BroadcastId, CompositorId, Fence, RenditionId, RoomId } from '../contracts/ids.ts';
import type { Rendition } from '../contracts/job.ts';
import type { PlaybackAccess } from '../contracts/playback.ts';
import type { BroadcastEvents, DeliveryBroadcastOptions, OpenOrder, Putter } from './broadcastTypes.ts';
import { CaptionBook } from './captions/CaptionBook.ts';
import { checkOnGrid } from './checkOnGrid.ts';
import { Destination } from './destinations/Destination.ts';
import { ProgramFeed } from './destinations/ProgramFeed.ts';
import { GridWatch } from './GridWatch.ts';
import { InitSegments } from './InitSegments.ts';
import type { BroadcastJournal } from './journal/BroadcastJournal.ts';
import { ProgramStore } from './ProgramStore.ts';
import { SlateFiller } from './SlateFiller.ts';
import { SlateSegments } from './SlateSegments.ts';
import { Standby } from './Standby.ts';
import type { Resumed } from './StoredSegment.ts';
import { type Take, TakeLedger } from './TakeLedger.ts';

export type { OpenOrder, Putter };

/** A part this far ahead of its time can not be: segments. */
const MAX_AHEAD_SEGMENTS = 2;
/** The same before the clock is known. */
const MAX_AHEAD_UNKNOWN_SEGMENTS = 60;
/** A compositor is at work when a part came within the time of so many. */
const ARRIVING_PARTS = 3;

export class DeliveryBroadcast extends TypedEmitter<BroadcastEvents> {
  readonly id: BroadcastId;
  readonly room: RoomId;
  readonly epoch: number;
  readonly grid: Grid;
  readonly renditions: readonly Rendition[];
  readonly playback: PlaybackAccess;
  readonly tenant: string;
  /** Of who has its playlists: higher than that of any node that it was on before. */
  readonly placeFence: Fence;
  readonly store: ProgramStore;
  readonly captions: CaptionBook;
  readonly inits: InitSegments;
  /** Slate and silence of each rendition, as they were put. */
  readonly slates: SlateSegments;
  readonly logger: Logger;
  readonly #options: DeliveryBroadcastOptions;
  readonly #takes = new TakeLedger();
  readonly #standby: Standby;
  readonly #watch: GridWatch;
  readonly #feed: ProgramFeed;
  readonly #destinations = new Map<string, Destination>();
  readonly #mainVideo: RenditionId;
  #journal: BroadcastJournal | undefined;
  #follower: ClockFollower;
  #startMs: number;
  /** The controller's. What a compositor's is measured by are the takes: one goes on while its controller is replaced. */
  #fence: Fence;
  #state: 'open' | 'ending' | 'ended' = 'open';
  #ending: Promise<void> | undefined;
  #endedAt: number | null = null;
  #arrivedBytes = 0;
  #movedTo: string | null = null;
  #arrivedAt = Number.NEGATIVE_INFINITY;
  /** The newest visible part is slate. */
  #showsSlate = false;

  constructor(options: DeliveryBroadcastOptions) {
    super();
    const { order, clock } = options;
    const videos = order.renditions.filter((r) => r.kind === 'video');
    const main = videos.toSorted((a, b) => b.height * b.width - a.height * a.width)[0];
    if (!main || !order.renditions.some((r) => r.kind === 'audio'))
      throw new AppError('bad-request', 'a broadcast has video and audio');
    this.#options = options;
    this.id = order.broadcast;
    this.room = order.room;
    this.epoch = order.epoch;
    this.grid = order.grid;
    this.renditions = order.renditions;
    this.playback = order.playback;
    this.tenant = order.tenant;
    this.placeFence = Math.max(order.fence, order.movedFrom?.fence ?? 0);
    this.logger = options.logger.child({ broadcast: order.broadcast, room: order.room });
    this.#mainVideo = main.id;
    this.#startMs = order.startMs;
    this.#fence = order.fence;
    this.#follower = new ClockFollower(clock);
    const ids = order.renditions.map((r) => r.id);
    this.store = new ProgramStore(order.grid, ids, { dvrSeconds: order.dvrSeconds });
    this.captions = new CaptionBook(order.grid, order.captions, () => this.store.head);
    this.inits = new InitSegments(order.renditions);
    this.#feed = new ProgramFeed(order.grid);
    this.slates = new SlateSegments(order.grid);
    const filler = new SlateFiller({ grid: order.grid, renditions: ids, store: this.store, slates: this.slates });
    this.#standby = new Standby({
      ...{ grid: order.grid, renditions: ids, store: this.store, takes: this.#takes },
      onStandIn: (segment) => this.logger.info({ segment }, 'standby stands in'),
    });
    this.#watch = new GridWatch({
      grid: order.grid,
      renditions: ids,
      store: this.store,
      takes: this.#takes,
      programMs: () => this.programMs(),
      standby: this.#standby,
      fillSlate: (now, arriving) => filler.fill(now, arriving),
    });
    this.#listen();
    for (const destination of order.destinations) this.addDestination(destination);
  }

  get fence(): Fence {
    return this.#fence;
  }

  get state(): 'open' | 'ending' | 'ended' {
    return this.#state;
  }

  /** Wall clock, ms since 1970. */
  get endedAt(): number | null {
    return this.#endedAt;
  }

  /** Base URL of the delivery node that has it now; null: this one. */
  get movedTo(): string | null {
    return this.#movedTo;
  }

  /** Something can be played. */
  get playable(): boolean {
    return this.store.head !== undefined && this.inits.complete;
  }

  /** A compositor is at work. */
  get arriving(): boolean {
    return this.#options.clock.now() - this.#arrivedAt < ARRIVING_PARTS * partSeconds(this.grid) * 1000;
  }

  get destinations(): readonly Destination[] {
    return [...this.#destinations.values()];
  }

  /** Of the segments that can still be put. */
  get takes(): readonly Take[] {
    return this.#takes.all;
  }

  /** Program time in ms; null before the first exchange. */
  programMs(): number | null {
    return this.#follower.synchronised ? this.#follower.now() - this.#startMs : null;
  }

  /** From now on its changes are kept on disk. */
  keep(journal: BroadcastJournal): void {
    this.#journal = journal;
    journal.captions(this.captions);
  }

  /** It goes on where another node had it; `position` null: nothing was visible there. */
  resume(position: { first: number; next: number } | null, held: Resumed['held']): void {
    const { first, next } = position ?? { first: 0, next: 0 };
    this.store.resume(first, next, { held });
    this.emit('report', { type: 'arrived' });
  }

  /**
   * A controller has opened it again. Who was taken goes on until another is. Throws `stale-fence` when a newer controller has it,
   * `conflict` when it is over.
   */
  reopen(order: OpenOrder): void {
    if (this.#state !== 'open') throw new AppError('conflict', 'the broadcast has ended');
    if (order.fence < this.#fence) throw new AppError('stale-fence');
    this.#fence = order.fence;
    this.#startMs = order.startMs;
    this.#follower = new ClockFollower(this.#options.clock);
    this.#journal?.reopened(order);
    // Who had wanted it elsewhere may be gone.
    if (this.store.stopBefore !== Number.POSITIVE_INFINITY) this.yieldFrom(null);
    // While the connection was lost, destinations may have been removed too.
    for (const id of this.#destinations.keys())
      if (!order.destinations.some((d) => d.id === id)) void this.removeDestination(id);
    for (const destination of order.destinations) this.addDestination(destination);
  }

  clock(exchange: Exchange): void {
    this.#follower.add(exchange);
  }

  /** From segment `from` on, parts come from `compositor`. */
  take(from: number, compositor: CompositorId, fence: Fence): void {
    if (fence < this.#fence || !this.taken({ from, compositor, fence })) throw new AppError('stale-fence');
    this.#standby.promote(compositor, from);
    this.#journal?.take({ from, compositor, fence });
    this.logger.info({ from, compositor }, 'take');
  }

  /** It was taken, under this controller or one before. False: a newer one was. */
  taken(take: Take): boolean {
    const added = this.#takes.add(take);
    if (added) this.#watch.taken(take.from);
    return added;
  }

  /** From segment `from` on `compositor` puts parts as well, for where those of the one at work do not come. */
  standBy(from: number, compositor: CompositorId, fence: Fence): void {
    if (fence < this.#fence || !this.#standby.add({ from, compositor, fence })) throw new AppError('stale-fence');
    this.logger.info({ from, compositor }, 'standby');
  }

  putInit(rendition: RenditionId, bytes: Buffer, by: Putter): void {
    this.#checkFence(by);
    const known = this.inits.get(rendition) !== undefined;
    const init = this.inits.put(rendition, bytes);
    this.emit('init', rendition, init);
    if (!known) this.#journal?.init(rendition, bytes);
    if (rendition === this.#mainVideo) this.#feed.setInit('video', init);
    if (init.info.kind === 'audio') this.#feed.setInit('audio', init);
  }

  putSlate(rendition: RenditionId, bytes: Buffer, by: Putter): void {
    this.#checkFence(by);
    const init = this.inits.need(rendition);
    checkOnGrid({ grid: this.grid, rendition, init: init.info, bytes, segment: 0, part: null });
    this.slates.set(rendition, init.info, bytes);
    this.emit('slate', rendition, bytes);
    if (rendition === this.#mainVideo) this.#feed.setSlate('video', bytes);
    if (init.info.kind === 'audio') this.#feed.setSlate('audio', bytes);
    this.#journal?.slate(rendition, bytes);
  }

  putPart(rendition: RenditionId, segment: number, part: number, bytes: Buffer, by: Putter): void {
    this.#checkOpen();
    const owners = [this.#takes.ownerOf(segment), this.#standby.ownerOf(segment)];
    const [owner] = owners.filter((take) => take?.compositor === by.compositor);
    if (!owner || segment >= this.store.stopBefore) throw new AppError('not-taken');
    if (by.fence < owner.fence) throw new AppError('stale-fence');
    const init = this.inits.need(rendition);
    if (part >= partsPerSegment(this.grid)) throw new AppError('off-grid', 'the segment has no such part');
    this.#checkAhead(segment);
    checkOnGrid({ grid: this.grid, rendition, init: init.info, bytes, segment, part });
    if (this.#standby.standsBy(segment, by.compositor)) {
      this.#standby.put(rendition, segment, part, bytes, by.compositor);
    } else {
      this.#measure(init.info.kind, segment, part, bytes);
      this.store.put(rendition, segment, part, bytes, by.compositor);
    }
    this.#watch.arrived(by.compositor);
    this.#arrivedAt = this.#options.clock.now();
  }

  /** Bytes that have arrived since the last call. */
  takeArrivedBytes(): number {
    const bytes = this.#arrivedBytes;
    this.#arrivedBytes = 0;
    return bytes;
  }

  addDestination(order: DestinationOrder): void {
    if (this.#state !== 'open' || this.#destinations.has(order.id)) return;
    const { push, clock, metrics } = this.#options;
    const destination = new Destination({ ...push, order, feed: this.#feed, clock, logger: this.logger, metrics });
    this.#destinations.set(order.id, destination);
    destination.on('status', (status) => this.emit('report', { type: 'destination', status }));
    destination.on('closed', () => this.#destinations.delete(order.id));
    this.#journal?.destinationAdded(order);
    destination.start();
  }

  async removeDestination(id: string): Promise<void> {
    this.#journal?.destinationRemoved(id);
    await this.#destinations.get(id)?.close();
  }

  /** Another node has all from segment `from` on; null: this one has it again. */
  yieldFrom(from: number | null): void {
    this.store.stopAt(from);
    this.#feed.stopAt(from === null ? Number.POSITIVE_INFINITY : from * partsPerSegment(this.grid));
    this.logger.info({ from }, 'broadcast is yielded');
  }

  /** Another node has it: who waits here is sent on. Resolves when its destinations are closed. */
  async leave(url: string): Promise<void> {
    this.#movedTo = url;
    await this.drop();
    this.logger.info({ url }, 'broadcast moved to another node');
  }

  /** As if it had never been here. */
  async drop(): Promise<void> {
    await this.suspend();
    this.#journal?.remove();
  }

  /** Closes destinations, and nothing else: what is kept on disk is for whoever goes on with it. */
  async suspend(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#watch.close();
    this.store.close();
    await Promise.all([...this.#destinations.values()].map((d) => d.close()));
    this.#state = 'ended';
  }

  /** Closes playlists (EXT-X-ENDLIST) and destinations. Idempotent. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#state = 'ending';
    this.#journal?.ending();
    this.#endedAt = Date.now();
    this.#watch.close();
    this.store.end();
    await Promise.all([...this.#destinations.values()].map((d) => d.close()));
    this.#state = 'ended';
    this.#journal?.remove();
    this.logger.info('broadcast ended');
    this.emit('ended');
  }

  #listen(): void {
    const { metrics } = this.#options;
    const perSegment = partsPerSegment(this.grid);
    this.store.on('visible', (segment, part, slate) => {
      // First, in the same turn: no viewer is told of a position that could be forgotten.
      this.#journal?.visible(segment, segment * perSegment + part + 1);
      this.#takes.forgetBefore(segment);
      if (this.#showsSlate !== slate) this.logger.info({ segment, part }, slate ? 'slate begins' : 'slate ends');
      this.#showsSlate = slate;
      if (slate) {
        if (part === 0) metrics.slateSegments.inc();
        // Destinations have slate of their own, sooner than this; and to the controller it is no part.
        return;
      }
      const video = this.store.part(this.#mainVideo, segment, part);
      const audio = this.store.part('a0', segment, part);
      // Of a segment that another's took the place of, the rest cannot follow what destinations have had of it.
      if (video && audio) this.#feed.program(segment, part, video, audio);
      this.emit('report', { type: 'part', segment, part, standby: this.#standby.stoodIn(segment) });
    });
    this.store.on('gap', (segment) => {
      this.#journal?.visible(segment, (segment + 1) * perSegment);
      metrics.gaps.inc();
      this.logger.warn({ segment }, 'segment lost');
      this.emit('report', { type: 'gap', segment });
    });
    this.#watch.on('late', (late) => {
      metrics.lateParts.inc();
      this.emit('report', { type: 'late', ...late });
    });
    this.#watch.on('lost', () => this.store.loseHead());
    this.#watch.on('tick', (programMs) => this.#feed.tick(programMs));
  }

  /** Of what belongs to no segment. Who is followed by another has a say until its last segment is over, and must not be told to end before. */
  #checkFence({ fence, compositor }: Putter): void {
    const stale = fence < (this.#takes.newest?.fence ?? this.#fence);
    if (stale && !this.#takes.owns(compositor, fence)) throw new AppError('stale-fence');
    this.#checkOpen();
  }

  #checkOpen(): void {
    if (this.#state !== 'open') throw new AppError('not-found', 'the broadcast has ended');
  }

  #checkAhead(segment: number): void {
    const now = this.programMs();
    const base = this.store.head ?? this.#takes.newest?.from ?? 0;
    const ahead =
      now === null
        ? segment > base + MAX_AHEAD_UNKNOWN_SEGMENTS
        : partStartMs(this.grid, segment - MAX_AHEAD_SEGMENTS, 0) > now;
    if (ahead) throw new AppError('off-grid', 'the segment lies in the future');
  }

  #measure(kind: 'video' | 'audio', segment: number, part: number, bytes: Buffer): void {
    const { metrics } = this.#options;
    metrics.parts.inc({ kind });
    metrics.partBytes.inc({ kind }, bytes.length);
    this.#arrivedBytes += bytes.length;
    const now = this.programMs();
    if (now !== null)
      metrics.partLatencySeconds.observe({ kind }, (now - partStartMs(this.grid, segment, part + 1)) / 1000);
  }
}
