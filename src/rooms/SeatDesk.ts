/**
 * The seats of a room, and all that is decided about them: who asks, who is given one, who is in the green room, whom a host silences. In:
 * calls of signalling, checked for who may. Out: events to people over their PeerLink, and `changed` when the program may look another way.
 */

import { AppError } from '../contracts/errors.ts';
import type { PeerId, SourceKind } from '../contracts/ids.ts';
import type { RoomMetrics } from './metrics.ts';
import type { Peer } from './Peer.ts';
import type { RoomHappening, SeatHow } from './RoomHappening.ts';
import type { Roster } from './Roster.ts';
import { SeatQueue } from './SeatQueue.ts';
import type { Seats } from './Seats.ts';

export interface SeatDeskOptions {
  seats: Seats<Peer>;
  roster: Roster;
  metrics: RoomMetrics;
  happened: (...happening: RoomHappening) => void;
  /** Who sits or is in the program is another. */
  changed: () => void;
  /** It has no seat any more, and nobody is behind it. */
  gone: (peer: Peer) => void;
}

export class SeatDesk {
  readonly #options: SeatDeskOptions;
  readonly #seats: Seats<Peer>;
  readonly #roster: Roster;
  readonly #queue = new SeatQueue<Peer>();

  constructor(options: SeatDeskOptions) {
    this.#options = options;
    this.#seats = options.seats;
    this.#roster = options.roster;
  }

  /** Those in the program, in the order of sitting down. */
  get onProgram(): Peer[] {
    return this.#seats.taken.filter((peer) => !peer.offProgram);
  }

  /** A host sits at once where there is place, the others wait until a host grants it. */
  request(peer: Peer): void {
    if (this.#seats.has(peer)) throw new AppError('conflict', 'You have a seat.');
    if (peer.role === 'host') this.#seat(peer, 'own');
    else this.#ask(peer);
  }

  /** Takes back a request, or gives back one's own seat. */
  withdraw(peer: Peer): void {
    if (this.#seats.has(peer)) this.#unseat(peer, 'seat.left');
    else if (!this.#askNoMore(peer)) this.#roster.update(peer);
    else this.#options.happened('seat.withdrawn', { peer: peer.about });
  }

  /** Throws AppError `not-found`, `conflict` (has not asked, or sits in another tab), `room-full`. */
  grant(peerId: PeerId): void {
    const peer = this.find(peerId);
    if (this.#seats.has(peer)) return;
    if (!peer.asking) throw new AppError('conflict', 'This person has not asked for a seat.');
    if (this.#seats.taken.some((p) => p.identity === peer.identity)) {
      throw new AppError('conflict', 'This person has a seat in another tab or device.');
    }
    this.#seat(peer, 'request');
  }

  /** Throws AppError `not-found`. Nothing happens to whoever does not ask, or does no more. */
  decline(peerId: PeerId, reason?: string): void {
    const peer = this.find(peerId);
    if (!this.#askNoMore(peer)) return;
    this.#options.happened('seat.declined', { peer: peer.about });
    peer.link?.tell('seat:declined', reason ? { reason } : {});
  }

  /** Its producers are closed; it stays as audience. Throws AppError `not-found`, `forbidden` for another host's. */
  take(by: Peer, peerId: PeerId): void {
    const peer = this.find(peerId);
    if (peer.role === 'host' && peer !== by)
      throw new AppError('forbidden', 'The seat of another host is not yours to take.');
    if (this.#seats.has(peer)) this.#unseat(peer, by === peer ? 'seat.left' : 'seat.taken');
  }

  /** Off the program with the seat kept, or back in it. Throws AppError `not-found`, `no-seat`. */
  setOnProgram(peerId: PeerId, on: boolean): void {
    const peer = this.#seated(peerId);
    if (peer.offProgram === !on) return;
    peer.offProgram = !on;
    this.#roster.update(peer);
    this.#options.changed();
  }

  /** Nothing happens where it sends nothing of the kind. Throws AppError `not-found`, `no-seat`. */
  async mute(peerId: PeerId, source: SourceKind): Promise<void> {
    const peer = this.#seated(peerId);
    if (await peer.media.silence(source)) peer.link?.tell('seat:muted', { source });
  }

  /** A picture of somebody who asks, for the hosts. Throws AppError `conflict`. */
  preview(peer: Peer, picture: Uint8Array): void {
    if (!peer.asking) throw new AppError('conflict', 'You do not ask for a seat.');
    for (const { role, link } of this.#roster.all)
      if (role === 'host') link?.show('seat:preview', { peerId: peer.id, picture });
  }

  find(peerId: PeerId): Peer {
    const peer = this.#roster.get(peerId);
    if (!peer) throw new AppError('not-found', 'Nobody in this room has this id.');
    return peer;
  }

  #seated(peerId: PeerId): Peer {
    const peer = this.find(peerId);
    if (!this.#seats.has(peer)) throw new AppError('no-seat', 'This person has no seat.');
    return peer;
  }

  /** What is told besides of somebody who sits. */
  satDown(peer: Peer, how: SeatHow): void {
    this.#options.metrics.seats.inc();
    this.#options.happened('seat.granted', { peer: peer.about, how });
  }

  stoodUp(peer: Peer, type: 'seat.taken' | 'seat.left'): void {
    peer.offProgram = false;
    this.#options.metrics.seats.dec();
    this.#options.happened(type, { peer: peer.about });
  }

  #ask(peer: Peer): void {
    const again = this.#queue.has(peer);
    this.#queue.join(peer);
    if (!again) peer.askedAt = Date.now();
    this.#tellPlaces();
    this.#roster.update(peer);
    if (!again) this.#options.happened('seat.requested', { peer: peer.about });
  }

  /** Whether it asked. */
  #askNoMore(peer: Peer): boolean {
    if (!this.forget(peer)) return false;
    this.#roster.update(peer);
    return true;
  }

  /** It asks no more; its owner tells of it. Whether it asked. */
  forget(peer: Peer): boolean {
    peer.askedAt = undefined;
    if (!this.#queue.leave(peer)) return false;
    this.#tellPlaces();
    return true;
  }

  /** Its place again: it has come back, and may not know it. */
  tellPlace(peer: Peer): void {
    if (!this.#queue.has(peer)) return;
    this.#queue.untold(peer);
    this.#tellPlaces();
  }

  #tellPlaces(): void {
    for (const [peer, place] of this.#queue.news()) peer.link?.tell('seat:place', place);
  }

  #seat(peer: Peer, how: SeatHow): void {
    this.#seats.take(peer);
    this.satDown(peer, how);
    this.forget(peer);
    this.#roster.update(peer);
    peer.link?.tell('seat:changed', { seated: true });
    this.#options.changed();
  }

  #unseat(peer: Peer, type: 'seat.taken' | 'seat.left'): void {
    this.#seats.free(peer);
    this.stoodUp(peer, type);
    peer.media.reset();
    this.#roster.update(peer);
    peer.link?.tell('seat:changed', { seated: false });
    this.#options.changed();
    if (peer.presence === 'away') this.#options.gone(peer);
  }
}
