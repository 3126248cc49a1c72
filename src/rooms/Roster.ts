import type { RoomSummary } from '../contracts/api.ts';
import type { PeerId } from '../contracts/ids.ts';
import type { PeerInfo, ServerToClient } from '../contracts/signaling.ts';
import type { JoinClaims } from '../contracts/tokens.ts';
import type { Peer } from './Peer.ts';
import type { ToldEvent } from './PeerLink.ts';
import type { Seats } from './Seats.ts';

/**
 * Who is in a room, and who is told of whom. Those who only watch are known to hosts and co-hosts alone: else each of
 * thousands would be told of each other.
 */
export class Roster {
  readonly #seats: Seats<Peer>;
  readonly #peers = new Map<PeerId, Peer>();
  /** Peers that the audience was told of. */
  readonly #public = new Set<Peer>();

  constructor(seats: Seats<Peer>) {
    this.#seats = seats;
  }

  get size(): number {
    return this.#peers.size;
  }

  get all(): Peer[] {
    return [...this.#peers.values()];
  }

  get(id: PeerId): Peer | undefined {
    return this.#peers.get(id);
  }

  /** Which peer an identity was; watching in another tab (audience without a seat) is somebody new. */
  earlierSelf({ sub, role }: JoinClaims, resume: PeerId | undefined): Peer | undefined {
    const own = this.all.filter((p) => p.identity === sub);
    const meant = own.find((p) => p.id === resume && p.role === role);
    if (meant) return meant;
    if (role !== 'audience') return own.find((p) => p.role !== 'audience') ?? own.find((p) => this.#seats.has(p));
    return own.find((p) => p.role === 'audience' && p.presence === 'away');
  }

  infoOf(peer: Peer): PeerInfo {
    return peer.info(this.#seats.has(peer));
  }

  /** What the HTTP API tells. */
  summary(): RoomSummary['peers'] {
    return this.all.map((peer) => {
      const { id, name, role, seated, presence, sources } = this.infoOf(peer);
      const who = { id, name, role, seated, presence, offProgram: peer.offProgram };
      return { ...who, sources: sources.map(({ kind, paused }) => ({ kind, paused })) };
    });
  }

  /** What `viewer` may know of the others. */
  othersOf(viewer: Peer): PeerInfo[] {
    return this.all.filter((p) => p !== viewer && this.#mayKnow(viewer, p)).map((p) => this.infoOf(p));
  }

  #isPublic(peer: Peer): boolean {
    return peer.asking || this.#seats.has(peer);
  }

  #mayKnow(viewer: Peer, peer: Peer): boolean {
    return viewer === peer || viewer.role !== 'audience' || this.#isPublic(peer);
  }

  #knows(viewer: Peer, peer: Peer): boolean {
    return viewer === peer || viewer.role !== 'audience' || this.#public.has(peer);
  }

  add(peer: Peer): void {
    this.#peers.set(peer.id, peer);
    if (this.#isPublic(peer)) this.#public.add(peer);
    const info = this.infoOf(peer);
    for (const viewer of this.all) {
      if (viewer !== peer && this.#mayKnow(viewer, peer)) viewer.link?.tell('peer:joined', info);
    }
  }

  /** It may know everybody from now on: those that it was not told of. */
  introduce(viewer: Peer): void {
    for (const peer of this.all) if (peer !== viewer) viewer.link?.tell('peer:joined', this.infoOf(peer));
  }

  /** Something about it changed; it is told too, except while it is only coming in: that is its answer's to say. */
  update(peer: Peer, { tellItself = true } = {}): void {
    if (!this.#peers.has(peer.id)) return;
    const info = this.infoOf(peer);
    for (const viewer of this.all) {
      if (viewer === peer && !tellItself) continue;
      const knew = this.#knows(viewer, peer);
      if (this.#mayKnow(viewer, peer)) viewer.link?.tell(knew ? 'peer:updated' : 'peer:joined', info);
      else if (knew) viewer.link?.tell('peer:left', { peerId: peer.id });
    }
    if (this.#isPublic(peer)) this.#public.add(peer);
    else this.#public.delete(peer);
  }

  /** Whether it was there. */
  remove(peer: Peer): boolean {
    if (!this.#peers.delete(peer.id)) return false;
    for (const viewer of this.all) {
      if (this.#knows(viewer, peer)) viewer.link?.tell('peer:left', { peerId: peer.id });
    }
    this.#public.delete(peer);
    return true;
  }

  clear(): void {
    this.#peers.clear();
    this.#public.clear();
  }

  /** Hosts and co-hosts. */
  tellStaff<E extends ToldEvent>(event: E, ...args: Parameters<ServerToClient[E]>): void {
    for (const peer of this.all) if (peer.role !== 'audience') peer.link?.tell(event, ...args);
  }

  tellAll<E extends ToldEvent>(event: E, ...args: Parameters<ServerToClient[E]>): void {
    for (const peer of this.all) peer.link?.tell(event, ...args);
  }
}
