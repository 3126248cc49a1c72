/**
 * Which node a room is at home on: where its people, its media and its broadcast's controller are. In: questions of whoever has something for a
 * room. Out: the home, and word when a room becomes ours or ceases to be. The only one that claims the directory's kind `room`. In memory (role
 * all) every room is ours. Next: whoever asks opens the room here, or relays to the home.
 */
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { Directory } from './Directory.ts';
import type { Lease } from './Lease.ts';
import type { View } from './View.ts';

export interface RoomHome {
  /** Base URL of the home's internal port. */
  url: string;
  own: boolean;
}

export interface RoomHomesOptions {
  directory: Directory;
  logger: Logger;
}

interface RoomHomesEvents {
  /** It is ours from now on: whatever of it is to go on goes on here. */
  acquired: [room: string];
  /** Somebody else has, or had, a newer claim: it is closed here at once. */
  lost: [room: string];
  /** A home of somebody else is new, or is none any more (`url` is null then). */
  elsewhere: [room: string, url: string | null];
}

export class RoomHomes extends TypedEmitter<RoomHomesEvents> {
  readonly #directory: Directory;
  readonly #logger: Logger;
  readonly #view: View<'room'>;
  readonly #own = new Map<string, Lease<'room'>>();
  #draining = false;

  private constructor({ directory, logger }: RoomHomesOptions, view: View<'room'>) {
    super();
    this.#directory = directory;
    this.#logger = logger.child({ part: 'homes' });
    this.#view = view;
    const isOurs = (holder: string): boolean => holder === directory.node;
    view.on('changed', ({ id, data, holder }) => this.emit('elsewhere', id, isOurs(holder) ? null : data.url));
    view.on('gone', ({ id }) => this.emit('elsewhere', id, null));
  }

  /** The directory may be away: it is made up for when it is there. */
  static async create(options: RoomHomesOptions): Promise<RoomHomes> {
    return new RoomHomes(options, await options.directory.watch('room'));
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** The rooms that are ours. */
  get own(): string[] {
    return [...this.#own.keys()];
  }

  isOwn(room: string): boolean {
    return this.#own.has(room);
  }

  /** As far as it is known now: URL of the node; null: none. */
  known(room: string): string | null {
    return this.isOwn(room) ? this.#directory.node : (this.#view.get(room)?.data.url ?? null);
  }

  /** Of the lease; grows with each new home. null: the room is not ours. */
  fenceOf(room: string): number | null {
    return this.#own.get(room)?.fence ?? null;
  }

  /**
   * Where the room is at home. When that is nowhere it is claimed (the first who asks gets it), unless `claim` is false or this node is
   * draining: then null. A home that others have told us of is believed while the directory is away. Throws AppError
   * `directory-unavailable`, and `conflict` when the owner's entry can not be understood.
   */
  async homeOf(room: string, { claim = true }: { claim?: boolean } = {}): Promise<RoomHome | null> {
    if (this.#own.has(room)) return this.#ours();
    const known = this.#view.get(room);
    // An entry of our own name that we do not hold is of a process before us, or on its way out.
    if (known && known.holder !== this.#directory.node) return { url: known.data.url, own: false };
    if (!claim || this.#draining) return this.#find(room);
    const { lease, holder } = await this.#directory.claim('room', room, { url: this.#directory.node });
    if (!lease) return { url: holder.data.url, own: false };
    return (await this.#take(room, lease)) ? this.#ours() : this.#find(room);
  }

  /** It may be at home elsewhere from now on. Idempotent; a directory that is away lets it expire instead. */
  async release(room: string): Promise<void> {
    const lease = this.#own.get(room);
    if (!lease) return;
    this.#own.delete(room);
    this.#logger.debug({ room }, 'the room has no home');
    await lease.release();
  }

  /** Nothing is claimed any more; what is ours stays ours until it is released. */
  stopClaiming(): void {
    this.#draining = true;
  }

  /** Nothing is claimed any more, and all are given back. Idempotent. */
  async drain(): Promise<void> {
    this.stopClaiming();
    await Promise.all(this.own.map((room) => this.release(room)));
  }

  #ours(): RoomHome {
    return { url: this.#directory.node, own: true };
  }

  async #find(room: string): Promise<RoomHome | null> {
    const entry = await this.#directory.find('room', room);
    return entry && entry.holder !== this.#directory.node ? { url: entry.data.url, own: false } : null;
  }

  /** False: it is ours no more. */
  async #take(room: string, lease: Lease<'room'>): Promise<boolean> {
    // Race: two who asked at the same time have the same lease; the first has taken it.
    if (this.#own.get(room) === lease) return true;
    if (lease.state !== 'held') return false;
    // Race: the answer to a claim from before the drain.
    if (this.#draining) {
      await lease.release();
      return false;
    }
    this.#own.set(room, lease);
    lease.once('lost', ({ holder }) => {
      if (this.#own.get(room) !== lease) return;
      this.#own.delete(room);
      this.#logger.warn({ room, holder }, 'the room is at home elsewhere');
      this.emit('lost', room);
    });
    this.#logger.debug({ room, fence: lease.fence }, 'the room is at home here');
    this.emit('acquired', room);
    return true;
  }
}
