import type { BroadcastPlayback } from '../contracts/playback.ts';
import type { ControlSession } from './ControlSession.ts';
import type { DeliveryBroadcast } from './DeliveryBroadcast.ts';
import type { PlaylistCache } from './hls/PlaylistCache.ts';
import type { MoveIn } from './move/MoveIn.ts';
import type { LivePictures } from './pictures/LivePictures.ts';

/** A broadcast of this node, with what belongs to it. */
export interface Entry {
  broadcast: DeliveryBroadcast;
  playlists: PlaylistCache;
  pictures: LivePictures;
  session: ControlSession | undefined;
  /** Ends it when no controller comes back, then forgets it. */
  timer: NodeJS.Timeout | undefined;
  /** It is on its way here: viewers are another node's until it has arrived. */
  move: MoveIn | undefined;
  /** The node to which it is on its way has all of it; undefined: it has not said so. */
  copied: boolean | undefined;
}

/** The broadcasts of a delivery node, and where those are that were here. Delivery.ts owns it. */
export class Entries {
  readonly #all = new Map<string, Entry>();
  readonly #newest = new Map<string, Entry>();
  readonly #gone = new Map<string, { room: string; url: string }>();

  get all(): Entry[] {
    return [...this.#all.values()];
  }

  /** Those that are not over. */
  get live(): number {
    return this.all.filter(({ broadcast }) => broadcast.state === 'open').length;
  }

  get(id: string): Entry | undefined {
    return this.#all.get(id);
  }

  /** One that viewers are served from here. */
  find(room: string, id: string): Entry | undefined {
    const entry = this.#all.get(id);
    return entry?.broadcast.room === room && !entry.move ? entry : undefined;
  }

  newest(room: string): Entry | undefined {
    return this.#newest.get(room);
  }

  /** `viewers`: how many the broadcast has. */
  state(room: string, viewers: (broadcast: string) => number): BroadcastPlayback {
    const entry = this.#newest.get(room);
    if (!entry) return { room, state: 'idle', broadcast: null, startedAt: null, endedAt: null, viewers: 0 };
    const { broadcast } = entry;
    const live = broadcast.state === 'open';
    return {
      room,
      state: live ? (broadcast.playable ? 'live' : 'idle') : 'ended',
      broadcast: broadcast.id,
      startedAt: broadcast.epoch,
      endedAt: broadcast.endedAt,
      viewers: live ? viewers(broadcast.id) : 0,
    };
  }

  add(entry: Entry): void {
    this.#all.set(entry.broadcast.id, entry);
  }

  /** Viewers are served from here. */
  list(entry: Entry): void {
    this.#newest.set(entry.broadcast.room, entry);
    this.#gone.delete(entry.broadcast.id);
  }

  remove(entry: Entry): void {
    const { id, room } = entry.broadcast;
    clearTimeout(entry.timer);
    this.#all.delete(id);
    if (this.#newest.get(room) === entry) this.#newest.delete(room);
  }

  /** Another node has it. */
  moved(entry: Entry, url: string): void {
    this.remove(entry);
    this.#gone.set(entry.broadcast.id, { room: entry.broadcast.room, url });
  }

  /** The node that has what was here; null: it was not. Without `id`: the last of the room. */
  movedTo(room: string, id: string | undefined): string | null {
    if (id !== undefined) return this.#gone.get(id)?.url ?? null;
    return [...this.#gone.values()].findLast((gone) => gone.room === room)?.url ?? null;
  }
}
