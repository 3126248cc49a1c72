/**
 * The delivery node: everything that outlives a compositor. Owns the broadcasts, the control connections, and through them
 * playlists, media and destinations. Closed by Server.ts.
 */
import { rm } from 'node:fs/promises';
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { RECLAIM_MS } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import type { BroadcastPlayback } from '../contracts/playback.ts';
import type { View } from '../directory/View.ts';
import { acceptControl } from './acceptControl.ts';
import { attachArchive } from './archive/attachArchive.ts';
import type { BroadcastArchive } from './archive/BroadcastArchive.ts';
import { ControlSession } from './ControlSession.ts';
import { DeliveryBroadcast, type OpenOrder } from './DeliveryBroadcast.ts';
import type { DeliveryOptions } from './DeliveryOptions.ts';
import { meterDelivery } from './DeliveryUsage.ts';
import { RECONNECT } from './destinations/Backoff.ts';
import { PresetFiles } from './destinations/PresetFiles.ts';
import { StreamKeys } from './destinations/StreamKeys.ts';
import { Entries, type Entry } from './Entries.ts';
import { Edge } from './edge/Edge.ts';
import type { OwnerOf } from './edge/OwnerOf.ts';
import type { PlaybackPlaces } from './edge/PlaybackPlaces.ts';
import { PlaylistCache } from './hls/PlaylistCache.ts';
import { FastLane } from './http/FastLane.ts';
import { OpenAnswers } from './http/OpenAnswers.ts';
import { PlayGate } from './http/PlayGate.ts';
import { bearerToken, registerIntakeRoutes } from './intakeRoutes.ts';
import { DeliveryJournal } from './journal/DeliveryJournal.ts';
import { partsOfHead, restoreBroadcast } from './journal/restoreBroadcast.ts';
import { arrivingRoot } from './move/arrive.ts';
import { Moves } from './move/Moves.ts';
import { registerMoveRoutes } from './move/moveRoutes.ts';
import { LivePictures } from './pictures/LivePictures.ts';
import { registerPlaybackRoutes } from './playbackRoutes.ts';
import { RecordingsElsewhere } from './recording/RecordingsElsewhere.ts';
import { registerRecordingControl } from './recording/recordingControl.ts';
import { registerRecordingRoutes } from './recording/recordingRoutes.ts';
import { ViewerBytes } from './ViewerBytes.ts';
import { Viewers } from './Viewers.ts';
import { Beacons } from './viewers/Beacons.ts';

export type { DeliveryOptions };

/** How long the playlists of an ended broadcast stay, for those who are behind, ms. */
const AFTERLIFE_MS = 5 * 60_000;
const RESUME_LIMIT_MS = 10 * 60_000;
/** Viewers' requests are held for up to 6 s, and then some, ms. */
const LAST_ANSWERS_MS = 7_000;
/** Orders are small: 16 destinations of 2 kB and the renditions. */
const MAX_ORDER_BYTES = 256 * 1024;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #presets: PresetFiles;
  readonly #streamKeys = new StreamKeys();
  readonly #journal: DeliveryJournal;
  readonly #wss = new WebSocketServer({ noServer: true, maxPayload: MAX_ORDER_BYTES });
  readonly #entries = new Entries();
  readonly #moves: Moves;
  readonly #sessions = new Set<ControlSession>();
  readonly #viewers: Viewers;
  readonly #viewerBytes: ViewerBytes;
  readonly #beacons: Beacons;
  readonly #gate: PlayGate;
  readonly #edge: Edge | undefined;
  #places: PlaybackPlaces | undefined;
  #schedules: View<'schedule'> | undefined;
  #recordingsElsewhere: RecordingsElsewhere | undefined;
  #answers: OpenAnswers | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: DeliveryOptions, presets: PresetFiles, journal: DeliveryJournal) {
    this.#options = options;
    this.#presets = presets;
    this.#journal = journal;
    this.#viewers = new Viewers(options.clock);
    this.#viewerBytes = new ViewerBytes(options.usage);
    const { viewers: viewerMetrics } = options.metrics;
    this.#beacons = new Beacons({ viewers: this.#viewers, metrics: viewerMetrics, clock: options.clock });
    this.#gate = new PlayGate(options);
    const { edge, logger, metrics } = options;
    const ownerOf: OwnerOf = edge?.ownerOf ?? ((room, id) => this.#ownerOf(room, id));
    this.#moves = new Moves({
      ...{ delivery: options, entries: this.#entries, journal },
      make: (order) => this.#make(order, undefined),
      list: (entry) => this.#list(entry),
      release: (id) => this.#places?.release(id),
    });
    this.#edge = edge && new Edge({ ...edge, ownerOf, viewers: this.#viewers, logger, metrics });
    options.recordings?.on('status', (broadcast, status) =>
      this.#entries.get(broadcast)?.broadcast.emit('report', { type: 'recording', status }),
    );
  }

  /** Broadcasts of a process that died are there again when it resolves. */
  static async create(options: DeliveryOptions): Promise<Delivery> {
    const { dataDir, secrets = [], logger } = options;
    const journal = await DeliveryJournal.create({ dataDir, secrets, logger });
    await rm(arrivingRoot(dataDir), { recursive: true, force: true });
    const delivery = new Delivery(options, await PresetFiles.create(dataDir), journal);
    await delivery.#restore();
    // After the broadcasts that go on are there: what is left over is finished.
    await options.recordings?.resume();
    return delivery;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Broadcasts that it has and that are not over. */
  get load(): number {
    return this.#entries.live;
  }

  /** It takes nothing new. */
  get draining(): boolean {
    return this.#moves.drainingMs !== null || this.#closing !== undefined;
  }

  /** From now on the other delivery nodes know what is here, and this one knows what they have. Call once. */
  join(places: PlaybackPlaces, others: () => readonly string[]): void {
    this.#places = places;
    const { edge } = this.#options;
    if (edge) this.#recordingsElsewhere = new RecordingsElsewhere({ ...edge, urls: others });
    for (const entry of this.#entries.all) this.#place(entry);
  }

  /** From now on viewers are told when a room's next broadcast starts. */
  knowSchedules(schedules: View<'schedule'>): void {
    this.#schedules = schedules;
  }

  /** `/live/…`, for viewers on the public port, for other delivery nodes on the internal one. Call before the server listens. */
  registerPlayback(fastify: FastifyInstance, { nodesOnly = false } = {}): void {
    registerPlaybackRoutes(fastify, {
      nodesOnly,
      gate: this.#gate,
      edge: this.#edge,
      find: (room, id) => this.#entries.find(room, id),
      newest: (room) => this.#newestHere(room),
      isGone: (room, id) => this.#entries.movedTo(room, id) !== null,
      state: (room) => this.state(room),
      scheduled: (room) => this.#scheduled(room),
      recordingOf: async (room, which) => (await this.#options.recordings?.playable(room, which)) ?? null,
      ...{ viewers: this.#viewers, viewerBytes: this.#viewerBytes, beacons: this.#beacons },
      metrics: this.#options.metrics,
    });
    const { recordings } = this.#options;
    const elsewhere = nodesOnly ? undefined : () => this.#recordingsElsewhere;
    if (recordings) registerRecordingRoutes(fastify, { recordings, gate: this.#gate, elsewhere });
  }

  /**
   * The quick way for what players ask most, in front of all other handlers of requests. Call when these are there, before the server
   * listens; `guard` throws for whom the server does not answer.
   */
  openFastLane(server: HttpServer, guard: (request: IncomingMessage) => void): void {
    const others = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[];
    const lane = new FastLane({
      guard,
      find: (room, id) => this.#entries.find(room, id),
      ...{ viewers: this.#viewers, viewerBytes: this.#viewerBytes },
      metrics: this.#options.metrics,
      route: (request, response) => {
        for (const other of others) other.call(server, request, response);
      },
    });
    server.removeAllListeners('request');
    server.on('request', (request, response) => lane.handle(request, response));
    this.#answers = new OpenAnswers(server);
  }

  /** What has just moved away is known here before it is in the directory. */
  #ownerOf(room: string, id: string | undefined): string | null {
    return this.#entries.movedTo(room, id) ?? this.#places?.ownerOf(room, id) ?? null;
  }

  #scheduled(room: string) {
    const next = this.#schedules?.get(room)?.data;
    if (next?.state !== 'scheduled') return undefined;
    return { title: next.title, startsAt: next.startsAt, playback: next.input.playback };
  }

  /** The room's newest broadcast; undefined when it is over and another node has a later one. */
  #newestHere(room: string): Entry | undefined {
    const entry = this.#entries.newest(room);
    const superseded = entry && entry.broadcast.state !== 'open' && this.#places?.ownerOf(room);
    return superseded ? undefined : entry;
  }

  /** Internal: `PUT /program/…`. Call before the server listens. */
  registerIntake(fastify: FastifyInstance): void {
    registerIntakeRoutes(fastify, {
      broadcast: (id) => this.#entries.get(id)?.broadcast,
      verifyService: this.#options.verifyService,
      metrics: this.#options.metrics,
    });
    const { recordings, verifyService } = this.#options;
    registerMoveRoutes(fastify, {
      find: (id) => this.#moves.source(id),
      done: (id, complete) => this.#moves.copied(id, complete),
      verifyService,
    });
    if (recordings) registerRecordingControl(fastify, { recordings, verifyService });
  }

  /** A WebSocket upgrade for `/delivery` on the internal port. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const accept = (ws: WebSocket): void => {
      const { clock, logger } = this.#options;
      const session = new ControlSession({
        socket: ws,
        clock,
        logger,
        open: (order, opener) => this.#open(order, opener),
        viewers: (id) => this.#viewers.count(id),
        watching: (id) => this.#viewers.watching.figures(id),
        recording: (id) => this.#options.recordings?.status(id) ?? null,
        record: (broadcast, on) => void this.#options.recordings?.switch(broadcast, on),
        moved: (broadcast, url) => this.#moves.moved(broadcast, url),
        drainingMs: () => this.#moves.drainingMs,
      });
      this.#sessions.add(session);
      session.on('closed', (ended) => this.#sessionClosed(session, ended));
    };
    acceptControl(this.#wss, [request, socket, head], { admit: () => this.#admit(request), accept });
  }

  state(room: string): BroadcastPlayback {
    return this.#entries.state(room, (broadcast) => this.#viewers.count(broadcast));
  }

  /** Takes nothing new, and has its broadcasts moved to other nodes; resolves when that is done, at the latest after so long, ms. */
  async drain(limitMs: number): Promise<void> {
    await this.#moves.drain(limitMs);
    // Who waits here is answered by way of the node that has the broadcast now.
    await this.#answers?.given(LAST_ANSWERS_MS);
  }

  /**
   * Ends the broadcasts cleanly (EXT-X-ENDLIST, RTMP closed). `keep`: closes only destinations, and leaves what the next process needs to go
   * on with them. Idempotent.
   */
  close({ keep = false } = {}): Promise<void> {
    this.#closing ??= this.#close(keep);
    return this.#closing;
  }

  async #close(keep: boolean): Promise<void> {
    this.#edge?.close();
    await Promise.all(this.#entries.all.map(({ move }) => move?.close()));
    const close = (broadcast: DeliveryBroadcast) => (keep ? broadcast.suspend() : broadcast.end());
    await Promise.all(this.#entries.all.map((e) => close(e.broadcast)));
    for (const entry of this.#entries.all) clearTimeout(entry.timer);
    for (const session of this.#sessions) session.close();
    this.#wss.close();
    await Promise.all(this.#entries.all.map((e) => e.pictures.close()));
    await this.#options.recordings?.close();
    await this.#presets.close();
  }

  async #admit(request: IncomingMessage): Promise<void> {
    if (this.#closing) throw new AppError('shutting-down');
    await this.#options.verifyService(bearerToken(request.headers.authorization));
  }

  #open(order: OpenOrder, session: ControlSession): DeliveryBroadcast {
    if (this.#closing) throw new AppError('shutting-down');
    const there = this.#entries.get(order.broadcast);
    if (there) {
      if (there.broadcast.room !== order.room) throw new AppError('bad-request', 'the broadcast is another room’s');
      there.broadcast.reopen(order);
      // While the connection was lost, it may have been switched.
      if (!there.move) void this.#options.recordings?.switch(there.broadcast, order.record);
      clearTimeout(there.timer);
      // The newer controller wins; the older one's connection is closed.
      const older = there.session;
      there.session = session;
      older?.close();
      return there.broadcast;
    }
    if (this.#moves.drainingMs !== null) throw new AppError('shutting-down');
    const from = order.movedFrom?.arrived ? null : order.movedFrom;
    const entry = from ? this.#moves.bring(order, from) : this.#add(order, this.#options.recordings?.begin(order));
    entry.session = session;
    if (from) return entry.broadcast;
    const journal = this.#journal.begin(order);
    if (journal) entry.broadcast.keep(journal);
    entry.broadcast.logger.info('broadcast opened');
    return entry.broadcast;
  }

  #place({ broadcast, move }: Entry): void {
    const { id, room, epoch, placeFence: fence } = broadcast;
    if (!move) this.#places?.hold({ id, room, epoch, fence });
  }

  #add(order: OpenOrder, archive: BroadcastArchive | undefined): Entry {
    const entry = this.#make(order, archive);
    this.#list(entry);
    return entry;
  }

  /** Viewers find it from now on. */
  #list(entry: Entry): void {
    this.#entries.list(entry);
    this.#options.metrics.broadcasts.inc({ state: 'live' });
    entry.broadcast.on('ended', () => this.#ended(entry));
    this.#place(entry);
    this.#options.onLoad?.();
  }

  #make(order: OpenOrder, archive: BroadcastArchive | undefined): Entry {
    const { destinationPolicy: policy, ffmpegPath, clock, logger, metrics, reconnect = RECONNECT } = this.#options;
    const push = { policy, ffmpegPath, reconnect, presets: this.#presets, keys: this.#streamKeys };
    const broadcast = new DeliveryBroadcast({ order, push, clock, logger, metrics });
    if (archive) attachArchive(broadcast, archive);
    if (this.#options.usage) meterDelivery(broadcast, this.#options.usage);
    const timeShift = archive || (order.movedFrom && this.#options.recordings);
    const pictures = new LivePictures({ broadcast, dvrSeconds: timeShift ? order.dvrSeconds : 0, logger });
    const entry: Entry = {
      ...{ broadcast, playlists: new PlaylistCache(broadcast), pictures },
      ...{ session: undefined, timer: undefined, move: undefined, copied: undefined },
    };
    this.#entries.add(entry);
    return entry;
  }

  /** What a process that was killed had: viewers and compositors find it before the controller does. */
  async #restore(): Promise<void> {
    const { reclaimMs = RECLAIM_MS, resumeLimitMs = RESUME_LIMIT_MS } = this.#options;
    const all = await this.#journal.find(Date.now());
    // The newest of a room is the last.
    for (const { journal, found } of all.toSorted((a, b) => a.found.order.epoch - b.found.order.epoch)) {
      const reopened = await this.#options.recordings?.reopen(found.order);
      const entry = this.#add(found.order, reopened?.archive);
      const { broadcast } = entry;
      restoreBroadcast(broadcast, found, reopened ? await partsOfHead(found, reopened) : undefined);
      if (reopened) entry.pictures.recover(reopened);
      broadcast.keep(journal);
      const over = found.ending || found.silentMs > resumeLimitMs;
      const { silentMs, position } = found;
      broadcast.logger.warn({ silentMs, next: position?.next, over }, 'broadcast restored after a crash');
      if (over) void broadcast.end();
      else this.#awaitController(entry, reclaimMs);
    }
  }

  #sessionClosed(session: ControlSession, ended: boolean): void {
    this.#sessions.delete(session);
    const entry = this.#entries.all.find((e) => e.session === session);
    if (!entry) return;
    entry.session = undefined;
    // Who wanted it here will try again, or has given up.
    if (entry.move) this.#moves.discard(entry);
    if (entry.move || ended || entry.broadcast.state !== 'open') return;
    entry.broadcast.logger.warn('controller lost');
    this.#awaitController(entry, this.#options.reclaimMs ?? RECLAIM_MS);
  }

  #awaitController(entry: Entry, reclaimMs: number): void {
    entry.timer = setTimeout(() => {
      entry.broadcast.logger.warn('no controller came back');
      void entry.broadcast.end();
    }, reclaimMs);
  }

  #ended(entry: Entry): void {
    const { metrics, afterlifeMs = AFTERLIFE_MS } = this.#options;
    const { broadcast } = entry;
    metrics.broadcasts.dec({ state: 'live' });
    metrics.broadcasts.inc({ state: 'ended' });
    clearTimeout(entry.timer);
    // First: its controller is told what becomes of the recording.
    void this.#options.recordings?.end(broadcast.id);
    entry.session?.ended();
    this.#viewers.forget(broadcast.id);
    this.#options.onLoad?.();
    this.#moves.checkDrained();
    if (this.#closing) return;
    entry.timer = setTimeout(() => this.#forget(entry), afterlifeMs);
    entry.timer.unref();
  }

  #forget(entry: Entry): void {
    this.#options.metrics.broadcasts.dec({ state: 'ended' });
    void this.#options.recordings?.forget(entry.broadcast.id);
    void entry.pictures.close();
    this.#places?.release(entry.broadcast.id);
    this.#entries.remove(entry);
  }
}
