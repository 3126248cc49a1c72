/**
 * A room: its people, seats, scene and router. In: calls of signalling and the HTTP API. Out: events to clients over their
 * PeerLink, and what a broadcast needs (RoomTap). A room outlives its router: when a mediasoup worker dies it gets another
 * one, and its people build their media again.
 */
import type { types as mediasoup } from 'mediasoup';
import type { RoomTap, TapSource } from '../broadcast/RoomTap.ts';
import { newId } from '../common/ids.ts';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { RoomSummary } from '../contracts/api.ts';
import type { BroadcastStatus } from '../contracts/broadcast.ts';
import { AppError } from '../contracts/errors.ts';
import type { ProgramFigures } from '../contracts/health.ts';
import type { PeerId, RoomId } from '../contracts/ids.ts';
import type { Scene, VersionedScene } from '../contracts/scene.ts';
import type { Schedule } from '../contracts/schedule.ts';
import type { PeerInfo } from '../contracts/signaling.ts';
import type { JoinClaims, Role } from '../contracts/tokens.ts';
import type { Endpoint } from '../sfu/Endpoint.ts';
import { publicCapabilities } from '../sfu/mediaCodecs.ts';
import { RoomHealth } from './health/RoomHealth.ts';
import { Monitors } from './Monitors.ts';
import { Peer, tokenUntilOf } from './Peer.ts';
import type { CloseReason, PeerLink } from './PeerLink.ts';
import { closeReasonOf } from './RoomHappening.ts';
import { RoomRouter } from './RoomRouter.ts';
import { Roster } from './Roster.ts';
import type { RoomEvents, RoomOptions } from './roomInterface.ts';
import { SeatDesk } from './SeatDesk.ts';
import { Seats } from './Seats.ts';
import { Steward } from './Steward.ts';
import { speakerIds, speakerLevels } from './speakers.ts';
import { tapSources } from './tapSources.ts';

export class Room extends TypedEmitter<RoomEvents> implements RoomTap {
  readonly id: RoomId;
  readonly createdAt = Date.now();
  readonly #options: RoomOptions;
  readonly #logger: Logger;
  readonly #seats: Seats<Peer>;
  readonly #roster: Roster;
  readonly #router: RoomRouter;
  readonly #steward: Steward;
  /** Decides who sits, and who of them is in the program. */
  readonly desk: SeatDesk;
  /** How its people and its program fare. */
  readonly health: RoomHealth;
  /** Who of them looks at the program itself. */
  readonly monitors: Monitors;
  #closed = false;

  private constructor(options: RoomOptions, router: RoomRouter, logger: Logger) {
    super();
    this.id = options.id;
    this.#options = options;
    this.#router = router;
    this.#logger = logger;
    this.#seats = new Seats(options.limits.seats);
    this.#roster = new Roster(this.#seats);
    this.desk = new SeatDesk({
      ...{ seats: this.#seats, roster: this.#roster, metrics: options.metrics },
      happened: (...happening) => this.emit('happened', ...happening),
      changed: () => this.emit('changed'),
      gone: (peer) => this.leave(peer),
    });
    this.health = new RoomHealth({ seated: () => this.#seats.taken, metrics: options.metrics.health });
    this.monitors = new Monitors(() => this.#seats.taken);
    this.#steward = new Steward({
      people: () => this.#roster.all,
      seated: () => this.#seats.taken,
      waitMs: options.limits.awayMs,
      changed: (peer) => this.#roster.update(peer),
    });
    router.on('replaced', () => this.#onRouterReplaced());
    router.on('levels', (levels) => this.emit('levels', speakerLevels(this.desk.onProgram, levels)));
    router.on('speakers', (ids) => this.#roster.tellAll('speakers', { peerIds: speakerIds(this.#seats.taken, ids) }));
    router.once('lost', () => this.close('shutting-down'));
    this.on('changed', () => {
      options.seatMemory?.seated(this.id, this.#seats.taken);
      this.health.wake();
      this.monitors.look();
    });
  }

  static async create(options: RoomOptions): Promise<Room> {
    const logger = options.logger.child({ room: options.id });
    const room = new Room(options, await RoomRouter.create(options.routers, logger), logger);
    options.metrics.rooms.inc();
    logger.info('room opens');
    return room;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Nobody is here or away. */
  get empty(): boolean {
    return this.#roster.size === 0;
  }

  // --- RoomTap -----------------------------------------------------------------------------------------------------

  get router(): mediasoup.Router {
    return this.#router.media.router;
  }

  /** The process that its media is in, for logs and for tests that kill it. */
  get workerPid(): number {
    return this.#router.media.workerPid;
  }

  get scene(): VersionedScene {
    return this.#options.scenes.get(this.id);
  }

  people(): { id: PeerId; name: string }[] {
    return this.desk.onProgram.map(({ id, name }) => ({ id, name }));
  }

  sources(): TapSource[] {
    return tapSources(this.desk.onProgram);
  }

  /** The whole scene; throws AppError `stale-version` when somebody else was first. */
  setScene(scene: Scene, ifMatch: number): VersionedScene {
    this.#assertOpen();
    const set = this.#options.scenes.set(this.id, scene, ifMatch);
    this.#roster.tellStaff('scene:changed', set);
    this.emit('changed');
    return set;
  }

  // --- people ------------------------------------------------------------------------------------------------------

  get routerRtpCapabilities(): mediasoup.RtpCapabilities {
    return publicCapabilities(this.#router.media.router.rtpCapabilities);
  }

  get peerCount(): number {
    return this.#roster.size;
  }

  isSeated(peer: Peer): boolean {
    return this.#seats.has(peer);
  }

  /** Somebody with this identity is here or away. */
  knows(identity: string): boolean {
    return this.#roster.all.some((peer) => peer.identity === identity);
  }

  infoOf(peer: Peer): PeerInfo {
    return this.#roster.infoOf(peer);
  }

  /** What `viewer` may know of the others. */
  othersOf(viewer: Peer): PeerInfo[] {
    return this.#roster.othersOf(viewer);
  }

  summaryPeers(): RoomSummary['peers'] {
    return this.#roster.summary();
  }

  /**
   * Comes in by a `join` token. A host or co-host sits at once. The same identity takes over the peer it was: id, seat,
   * place. Throws AppError `room-full`, `too-many`, `room-closed`, `removed`, `unauthorized`.
   */
  join(claims: JoinClaims, wishes: { name?: string | undefined; resume?: PeerId | undefined }, link: PeerLink): Peer {
    this.#assertOpen();
    // Who names the peer that they were only come back; somebody else with the same link does not know it.
    const back = wishes.resume !== undefined && this.#roster.get(wishes.resume)?.identity === claims.sub;
    this.#options.door?.check(claims, back);
    const name = claims.name ?? wishes.name ?? 'Guest';
    const earlier = this.#roster.earlierSelf(claims, wishes.resume);
    const former = earlier ? undefined : this.#options.seatMemory?.claim(this.id, claims, wishes.resume);
    const id = former?.peer ?? newId('p');
    const tokenUntil = tokenUntilOf(claims);
    const peer =
      earlier ?? new Peer({ ...claims, id, identity: claims.sub, name, link, tokenUntil, logger: this.#logger });
    peer.tokenUntil = Math.max(peer.tokenUntil, tokenUntil);
    if (!earlier && this.#roster.size >= this.#options.limits.peers)
      throw new AppError('too-many', 'The room is full.');
    const sits = (claims.role !== 'audience' || former !== undefined) && !this.#seats.has(peer);
    if (sits) this.#seats.take(peer);
    if (former?.offProgram) peer.offProgram = true;
    if (earlier) this.#takeOver(earlier, { ...claims, name }, wishes.resume === earlier.id, link);
    else this.#enter(peer);
    this.desk.tellPlace(peer);
    if (sits) this.desk.satDown(peer, former ? 'return' : 'role');
    this.#logger.info({ peer: peer.id, role: peer.role, again: Boolean(earlier) }, 'peer joins');
    if (this.#seats.has(peer)) this.emit('changed');
    this.#steward.look();
    this.emit('occupancy');
    return peer;
  }

  #enter(peer: Peer): void {
    this.#options.metrics.peers.inc({ role: peer.role });
    peer.media.on('changed', () => {
      // Who sits when a room ends with its process is kept for the next one: nobody stood up.
      if (this.#closed) return;
      this.#roster.update(peer);
      this.#forwardToAll();
      this.emit('changed');
    });
    peer.media.on('producer-changed', (producer) => {
      for (const viewer of this.#seats.taken) viewer.media.forwarder?.producerChanged(producer);
    });
    peer.media.on('receiver-ready', () => this.#forwardTo(peer));
    peer.media.on('receiver-ready', () => this.monitors.look());
    peer.media.on('receiver-gone', () => this.monitors.look());
    // Whoever is here restarts ICE; for whoever is away nobody does.
    peer.media.on('lost', () => {
      if (peer.presence === 'away') peer.media.reset();
    });
    this.#roster.add(peer);
    this.emit('happened', 'peer.joined', { peer: peer.about });
  }

  #takeOver(peer: Peer, claims: JoinClaims & { name: string }, resumes: boolean, link: PeerLink): void {
    const old = peer.link;
    // A tab that is still open must fall silent at once; one that merely lost its connection goes on until it is back.
    // Before the new connection is known: what ends here is nothing that it has.
    if (old && !resumes) peer.media.reset();
    else peer.media.retire(this.#options.limits.retireMs);
    this.#changeRole(peer, claims.role);
    peer.name = claims.name;
    if (!resumes) this.desk.forget(peer);
    peer.comeBack(link);
    old?.dismiss('joined-elsewhere');
    this.#roster.update(peer, { tellItself: false });
  }

  /** The connection broke: a seat, or the place in the queue for one, is kept for a while; anybody else is gone. */
  drop(peer: Peer, link: PeerLink): void {
    if (peer.link !== link || !this.#roster.get(peer.id)) return;
    if (!this.#seats.has(peer) && !peer.asking) {
      this.leave(peer);
      return;
    }
    this.#logger.info({ peer: peer.id }, 'peer is away');
    peer.goAway(this.#options.limits.awayMs, () => this.leave(peer));
    if (peer.media.lost) peer.media.reset();
    this.#roster.update(peer);
    this.#steward.look();
  }

  /** Gone for good. Idempotent. */
  leave(peer: Peer): void {
    if (!this.#roster.remove(peer)) return;
    const wasSeated = this.#seats.free(peer);
    this.desk.forget(peer);
    if (wasSeated) this.desk.stoodUp(peer, 'seat.left');
    this.#options.metrics.peers.dec({ role: peer.role });
    this.emit('happened', 'peer.left', { peer: peer.about });
    this.#logger.info({ peer: peer.id }, 'peer leaves');
    peer.close();
    if (wasSeated) this.emit('changed');
    this.#steward.look();
    if (this.empty) this.emit('occupancy');
  }

  // --- seats (SeatDesk.ts) -----------------------------------------------------------------------------------------

  requestSeat(peer: Peer): void {
    this.desk.request(peer);
  }

  grantSeat(peerId: PeerId): void {
    this.desk.grant(peerId);
  }

  takeSeat(by: Peer, peerId: PeerId): void {
    this.desk.take(by, peerId);
  }

  // --- what hosts decide about people ------------------------------------------------------------------------------

  /**
   * Out of the room, in each of their tabs, with a word of the host; until their token expires they are not let in again. Throws AppError
   * `not-found`, `forbidden` for a host.
   */
  remove(peerId: PeerId, reason?: string): void {
    const { identity } = this.desk.find(peerId);
    const tabs = this.#roster.all.filter((peer) => peer.identity === identity);
    if (tabs.some(({ role }) => role === 'host')) throw new AppError('forbidden', 'A host is not yours to remove.');
    this.#options.door?.keepOut(this.id, identity, Math.max(...tabs.map(({ tokenUntil }) => tokenUntil)));
    for (const peer of tabs) {
      const { link } = peer;
      this.leave(peer);
      link?.dismiss('removed', reason);
    }
    this.#logger.info({ peer: peerId }, 'a host removes a peer');
  }

  /**
   * A host from now on, by the token that `sign` makes; nobody else changes. Throws AppError `not-found`, `no-seat`, `unauthorized` when the
   * token that it has has just expired.
   */
  async nameHost(peerId: PeerId, sign: (peer: Peer) => Promise<string>): Promise<void> {
    const peer = this.desk.find(peerId);
    if (peer.role === 'host') return;
    const token = await sign(peer);
    // It may have gone meanwhile, or been unseated.
    if (this.desk.find(peerId) !== peer || !this.#seats.has(peer)) throw new AppError('no-seat', 'A host has a seat.');
    this.#changeRole(peer, 'host');
    this.#roster.introduce(peer);
    peer.link?.tell('scene:changed', this.scene);
    peer.link?.tell('role:changed', { role: 'host', token });
    this.#roster.update(peer);
    this.#steward.look();
    this.#logger.info({ peer: peerId }, 'a peer is named host');
  }

  #changeRole(peer: Peer, role: Role): void {
    if (peer.role === role) return;
    this.#options.metrics.peers.dec({ role: peer.role });
    this.#options.metrics.peers.inc({ role });
    peer.role = role;
  }

  // --- media -------------------------------------------------------------------------------------------------------

  /** Where a peer's media calls go; waits while the router is being replaced. Throws AppError `no-seat`. */
  async endpointOf(peer: Peer): Promise<Endpoint> {
    await this.#router.ready();
    this.#assertOpen();
    if (!this.#seats.has(peer)) throw new AppError('no-seat');
    return peer.media.open(this.#router.media);
  }

  #forwardTo(viewer: Peer): void {
    if (!this.#seats.has(viewer)) return;
    const others = this.#seats.taken.filter((p) => p !== viewer);
    viewer.media.forwarder?.sync(
      others.flatMap((p) =>
        p.media.producers.map((producer) => ({ peerId: p.id, source: producer.appData.source, producer })),
      ),
    );
  }

  #forwardToAll(): void {
    for (const viewer of this.#seats.taken) this.#forwardTo(viewer);
  }

  #onRouterReplaced(): void {
    this.#options.metrics.rebuilds.inc();
    // The broadcast taps the new router before anybody is on it: nobody's first key frame is missed.
    this.emit('router-replaced');
    this.emit('changed');
    const routerRtpCapabilities = { ...this.routerRtpCapabilities };
    for (const peer of this.#seats.taken) {
      peer.link?.tell('media:reset', { reason: 'worker-died', routerRtpCapabilities });
    }
  }

  // --- talking -----------------------------------------------------------------------------------------------------

  broadcastStatus(status: BroadcastStatus, figures: ProgramFigures): void {
    this.health.program(status, figures);
    this.#roster.tellAll('broadcast:status', status);
  }

  /** The room's next broadcast; null: none is scheduled any more. */
  scheduled(schedule: Schedule | null): void {
    this.#roster.tellAll('schedule:changed', { schedule });
  }

  #assertOpen(): void {
    if (this.#closed) throw new AppError('room-closed');
  }

  /** Everybody is told why and disconnected. Idempotent. */
  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#steward.close();
    this.health.close();
    this.#options.metrics.rooms.dec();
    for (const peer of this.#roster.all) {
      if (this.#seats.free(peer)) this.desk.stoodUp(peer, 'seat.left');
      this.#options.metrics.peers.dec({ role: peer.role });
      this.emit('happened', 'peer.left', { peer: peer.about });
      const { link } = peer;
      peer.close();
      link?.dismiss(reason);
    }
    this.#roster.clear();
    this.#router.close();
    this.#logger.info({ reason }, 'room closes');
    this.emit('happened', 'room.closed', { openedAt: this.createdAt, reason: closeReasonOf(reason) });
    this.emit('closed');
  }
}
