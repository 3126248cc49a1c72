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
import type { PeerId, RoomId } from '../contracts/ids.ts';
import type { Scene, VersionedScene } from '../contracts/scene.ts';
import type { PeerInfo } from '../contracts/signaling.ts';
import type { JoinClaims } from '../contracts/tokens.ts';
import type { Endpoint } from '../sfu/Endpoint.ts';
import { publicCapabilities } from '../sfu/mediaCodecs.ts';
import { Peer } from './Peer.ts';
import type { CloseReason, PeerLink } from './PeerLink.ts';
import { closeReasonOf, type SeatHow } from './RoomHappening.ts';
import { RoomRouter } from './RoomRouter.ts';
import { Roster } from './Roster.ts';
import type { RoomEvents, RoomOptions } from './roomInterface.ts';
import { Seats } from './Seats.ts';
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
  #closed = false;

  private constructor(options: RoomOptions, router: RoomRouter, logger: Logger) {
    super();
    this.id = options.id;
    this.#options = options;
    this.#router = router;
    this.#logger = logger;
    this.#seats = new Seats(options.limits.seats);
    this.#roster = new Roster(this.#seats);
    router.on('replaced', () => this.#onRouterReplaced());
    router.on('levels', (levels) => this.emit('levels', speakerLevels(this.#seats.taken, levels)));
    router.on('speakers', (ids) => this.#roster.tellAll('speakers', { peerIds: speakerIds(this.#seats.taken, ids) }));
    router.once('lost', () => this.close('shutting-down'));
    this.on('changed', () => options.seatMemory?.seated(this.id, this.#seats.taken));
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
    return this.#seats.taken.map(({ id, name }) => ({ id, name }));
  }

  sources(): TapSource[] {
    return tapSources(this.#seats.taken);
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
   * place. Throws AppError `room-full`, `too-many`, `room-closed`.
   */
  join(claims: JoinClaims, wishes: { name?: string | undefined; resume?: PeerId | undefined }, link: PeerLink): Peer {
    this.#assertOpen();
    const name = claims.name ?? wishes.name ?? 'Guest';
    const earlier = this.#roster.earlierSelf(claims, wishes.resume);
    const former = earlier ? undefined : this.#options.seatMemory?.claim(this.id, claims, wishes.resume);
    const id = former ?? newId('p');
    const peer = earlier ?? new Peer({ ...claims, id, identity: claims.sub, name, link, logger: this.#logger });
    if (!earlier && this.#roster.size >= this.#options.limits.peers)
      throw new AppError('too-many', 'The room is full.');
    const sits = (claims.role !== 'audience' || former !== undefined) && !this.#seats.has(peer);
    if (sits) this.#seats.take(peer);
    if (earlier) this.#takeOver(earlier, { ...claims, name }, wishes.resume === earlier.id, link);
    else this.#enter(peer);
    if (sits) this.#satDown(peer, former ? 'return' : 'role');
    this.#logger.info({ peer: peer.id, role: peer.role, again: Boolean(earlier) }, 'peer joins');
    if (this.#seats.has(peer)) this.emit('changed');
    this.emit('occupancy');
    return peer;
  }

  #enter(peer: Peer): void {
    this.#options.metrics.peers.inc({ role: peer.role });
    peer.media.on('changed', () => {
      this.#roster.update(peer);
      this.#forwardToAll();
      this.emit('changed');
    });
    peer.media.on('producer-changed', (producer) => {
      for (const viewer of this.#seats.taken) viewer.media.forwarder?.producerChanged(producer);
    });
    peer.media.on('receiver-ready', () => this.#forwardTo(peer));
    // Whoever is here restarts ICE; for whoever is away nobody does.
    peer.media.on('lost', () => {
      if (peer.presence === 'away') peer.media.reset();
    });
    this.#roster.add(peer);
    this.emit('happened', 'peer.joined', { peer: peer.about });
  }

  #takeOver(peer: Peer, claims: JoinClaims & { name: string }, resumes: boolean, link: PeerLink): void {
    const old = peer.link;
    if (peer.role !== claims.role) {
      this.#options.metrics.peers.dec({ role: peer.role });
      this.#options.metrics.peers.inc({ role: claims.role });
    }
    // A tab that is still open must fall silent at once; one that merely lost its connection goes on until it is back.
    // Before the new connection is known: what ends here is nothing that it has.
    if (old && !resumes) peer.media.reset();
    else peer.media.retire(this.#options.limits.retireMs);
    peer.role = claims.role;
    peer.name = claims.name;
    peer.asking = false;
    peer.comeBack(link);
    old?.dismiss('joined-elsewhere');
    this.#roster.update(peer, { tellItself: false });
  }

  /** The connection broke: a seat is kept for a while, anybody else is gone. */
  drop(peer: Peer, link: PeerLink): void {
    if (peer.link !== link || !this.#roster.get(peer.id)) return;
    if (!this.#seats.has(peer)) {
      this.leave(peer);
      return;
    }
    this.#logger.info({ peer: peer.id }, 'peer is away');
    peer.goAway(this.#options.limits.awayMs, () => this.leave(peer));
    if (peer.media.lost) peer.media.reset();
    this.#roster.update(peer);
  }

  /** Gone for good. Idempotent. */
  leave(peer: Peer): void {
    if (!this.#roster.remove(peer)) return;
    const wasSeated = this.#seats.free(peer);
    if (wasSeated) this.#stoodUp(peer, 'seat.left');
    this.#options.metrics.peers.dec({ role: peer.role });
    this.emit('happened', 'peer.left', { peer: peer.about });
    this.#logger.info({ peer: peer.id }, 'peer leaves');
    peer.close();
    if (wasSeated) this.emit('changed');
    if (this.empty) this.emit('occupancy');
  }

  // --- seats -------------------------------------------------------------------------------------------------------

  /** A host sits at once where there is place, the others wait until a host grants it. */
  requestSeat(peer: Peer): void {
    if (this.#seats.has(peer)) throw new AppError('conflict', 'You have a seat.');
    if (peer.role === 'host') {
      this.#seat(peer, 'own');
      return;
    }
    this.#ask(peer, true, 'seat.requested');
  }

  /** Takes back a request, or gives back one's own seat. */
  withdrawSeat(peer: Peer): void {
    if (this.#seats.has(peer)) this.#unseat(peer, 'seat.left');
    else this.#ask(peer, false, 'seat.withdrawn');
  }

  #ask(peer: Peer, asking: boolean, type: 'seat.requested' | 'seat.withdrawn' | 'seat.declined'): void {
    const moved = peer.asking !== asking;
    peer.asking = asking;
    this.#roster.update(peer);
    if (moved) this.emit('happened', type, { peer: peer.about });
  }

  /** Throws AppError `not-found`, `conflict` (has not asked, or sits in another tab), `room-full`. */
  grantSeat(peerId: PeerId): void {
    const peer = this.#find(peerId);
    if (this.#seats.has(peer)) return;
    if (!peer.asking) throw new AppError('conflict', 'This person has not asked for a seat.');
    if (this.#seats.taken.some((p) => p.identity === peer.identity)) {
      throw new AppError('conflict', 'This person has a seat in another tab or device.');
    }
    this.#seat(peer, 'request');
  }

  /** Throws AppError `not-found`. Nothing happens to whoever does not ask, or does no more. */
  declineSeat(peerId: PeerId): void {
    const peer = this.#find(peerId);
    if (!peer.asking) return;
    this.#ask(peer, false, 'seat.declined');
    peer.link?.tell('seat:declined', {});
  }

  /** Its producers are closed; it stays as audience. Throws AppError `not-found`, `forbidden` for another host's. */
  takeSeat(by: Peer, peerId: PeerId): void {
    const peer = this.#find(peerId);
    if (peer.role === 'host' && peer !== by)
      throw new AppError('forbidden', 'The seat of another host is not yours to take.');
    if (this.#seats.has(peer)) this.#unseat(peer, by === peer ? 'seat.left' : 'seat.taken');
  }

  #find(peerId: PeerId): Peer {
    const peer = this.#roster.get(peerId);
    if (!peer) throw new AppError('not-found', 'Nobody in this room has this id.');
    return peer;
  }

  #satDown(peer: Peer, how: SeatHow): void {
    this.#options.metrics.seats.inc();
    this.emit('happened', 'seat.granted', { peer: peer.about, how });
  }

  #stoodUp(peer: Peer, type: 'seat.taken' | 'seat.left'): void {
    this.#options.metrics.seats.dec();
    this.emit('happened', type, { peer: peer.about });
  }

  #seat(peer: Peer, how: SeatHow): void {
    this.#seats.take(peer);
    this.#satDown(peer, how);
    peer.asking = false;
    this.#roster.update(peer);
    peer.link?.tell('seat:changed', { seated: true });
    this.emit('changed');
  }

  #unseat(peer: Peer, type: 'seat.taken' | 'seat.left'): void {
    this.#seats.free(peer);
    this.#stoodUp(peer, type);
    peer.media.reset();
    this.#roster.update(peer);
    peer.link?.tell('seat:changed', { seated: false });
    this.emit('changed');
    if (peer.presence === 'away') this.leave(peer);
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
      others.flatMap((p) => p.media.producers.map((producer) => ({ peerId: p.id, producer }))),
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

  broadcastStatus(status: BroadcastStatus): void {
    this.#roster.tellAll('broadcast:status', status);
  }

  #assertOpen(): void {
    if (this.#closed) throw new AppError('room-closed');
  }

  /** Everybody is told why and disconnected. Idempotent. */
  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.metrics.rooms.dec();
    for (const peer of this.#roster.all) {
      if (this.#seats.free(peer)) this.#stoodUp(peer, 'seat.left');
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
