/**
 * A node's part in a fleet of SFU nodes: rooms open only where they are at home. In: people and API calls for any room. Out: those of our own
 * rooms to RoomRegistry.ts, all others to the room's home (ApiRelay.ts, SocketRelay.ts). Without Redis every room is at home here.
 */
import type { Logger } from '../common/logger.ts';
import { AppError } from '../contracts/errors.ts';
import { PROTOCOL } from '../contracts/ids.ts';
import type { Announcement } from '../directory/Announcement.ts';
import type { Directory } from '../directory/Directory.ts';
import { type RoomHome, RoomHomes } from '../directory/RoomHomes.ts';
import type { RoomFiles } from '../rooms/RoomFiles.ts';
import type { RoomRegistry } from '../rooms/RoomRegistry.ts';
import { ApiRelay, type ApiRelayOptions } from './ApiRelay.ts';
import { KeptRooms, type KeptRoomsOptions } from './KeptRooms.ts';
import type { RelayDoor } from './RelayDoor.ts';
import { SfuNodes } from './SfuNodes.ts';
import { SocketRelay } from './SocketRelay.ts';

/** So long after a room was used last, and is not open or live, it may be at home elsewhere, ms. */
const IDLE_MS = 60_000;

export interface SfuHomesOptions {
  directory: Directory;
  door: RelayDoor;
  newServiceToken: () => Promise<string>;
  /** There are others. */
  fleet: boolean;
  files: RoomFiles;
  isLive: (room: string) => boolean;
  /** The broadcast of a room that was lost to another node goes on there: let go of without ending it. Left out: there is none. */
  letGo?: (room: string) => Promise<void>;
  idleMs?: number;
  logger: Logger;
}

export class SfuHomes {
  readonly homes: RoomHomes;
  readonly nodes: SfuNodes;
  readonly api: ApiRelay;
  readonly sockets: SocketRelay;
  readonly #options: SfuHomesOptions;
  readonly #kept: KeptRooms | undefined;
  readonly #adopting = new Map<string, Promise<void>>();
  readonly #idle = new Map<string, NodeJS.Timeout>();
  #rooms: RoomRegistry | undefined;
  #announcement: Announcement | undefined;

  private constructor(options: SfuHomesOptions, homes: RoomHomes, nodes: SfuNodes) {
    const { directory, door, newServiceToken, files, logger } = options;
    this.#options = options;
    this.homes = homes;
    this.nodes = nodes;
    const homeOf: ApiRelayOptions['homeOf'] = (room, how) => this.#homeOf(room, how);
    this.api = new ApiRelay({ homeOf, door, nodes, newServiceToken, logger });
    this.sockets = new SocketRelay({ homes, newServiceToken, logger });
    if (options.fleet) {
      const adopt: KeptRoomsOptions['adopt'] = (room, kept) => this.#rooms?.adopt(room, kept);
      this.#kept = new KeptRooms({ directory, homes, files, adopt, logger });
    }
    homes.on('acquired', (room) => this.#onAcquired(room));
    homes.on('lost', (room) => void this.#onLost(room));
  }

  static async create(options: SfuHomesOptions): Promise<SfuHomes> {
    const { directory, newServiceToken, logger } = options;
    const nodes = await SfuNodes.create({ directory, newServiceToken, logger });
    return new SfuHomes(options, await RoomHomes.create({ directory, logger }), nodes);
  }

  /** The rooms of this node; before anybody may come. */
  serve(rooms: RoomRegistry): void {
    this.#rooms = rooms;
    const changed = (): void => this.#announcement?.update({ load: rooms.list().length });
    rooms.on('opened', (room) => {
      changed();
      room.once('closed', changed);
    });
  }

  /** Tells the other nodes that we are there; when they may ask us. Without a fleet there is nobody to tell. */
  async announce(version: string): Promise<void> {
    const { directory, fleet } = this.#options;
    if (!fleet) return;
    const load = this.#rooms?.list().length ?? 0;
    this.#announcement = await directory.announce({
      ...{ role: 'sfu', url: directory.node, capacity: null, load },
      ...{ version, protocol: PROTOCOL, draining: this.homes.draining },
    });
  }

  /** Resolves when the room is at home here, with what was kept of it. Throws AppError `wrong-node`, `directory-unavailable`. */
  claim = async (room: string): Promise<void> => {
    const home = await this.#homeOf(room, { claim: true });
    if (!home?.own) throw new AppError('wrong-node');
  };

  /** Of what every SFU node hears of a room, one tells the user's own server: the home, or the first of all when there is none. */
  speaksFor(room: string): boolean {
    const [home, me] = [this.homes.known(room), this.#options.directory.node];
    return home === null ? this.nodes.others.every((url) => me < url) : home === me;
  }

  /** Claims nothing any more; what is ours stays ours until `release`. */
  drain(): void {
    this.homes.stopClaiming();
    this.#announcement?.update({ draining: true });
  }

  /** Gives back every room, with what the next home needs of it. */
  async release(): Promise<void> {
    for (const timer of this.#idle.values()) clearTimeout(timer);
    this.#idle.clear();
    await this.#kept?.written();
    for (const room of this.homes.own) this.#kept?.leave(room);
    await this.homes.drain();
    this.sockets.close();
  }

  async #homeOf(room: string, how: { claim: boolean }): Promise<RoomHome | null> {
    const home = await this.homes.homeOf(room, how);
    if (!home?.own) return home;
    this.#touch(room);
    await this.#adopting.get(room);
    return home;
  }

  #onAcquired(room: string): void {
    this.#touch(room);
    const adopting = this.#kept?.adopt(room).finally(() => this.#adopting.delete(room));
    if (adopting) this.#adopting.set(room, adopting);
  }

  /** Its people are to come back elsewhere; the broadcast goes on there. */
  async #onLost(room: string): Promise<void> {
    this.#forget(room);
    try {
      await this.#options.letGo?.(room);
      await this.#rooms?.move(room);
    } catch (error) {
      this.#options.logger.error({ err: error, room }, 'a room that was lost is not closed in order');
    }
  }

  #touch(room: string): void {
    const { idleMs = IDLE_MS } = this.#options;
    clearTimeout(this.#idle.get(room));
    this.#idle.set(room, setTimeout(() => void this.#onIdle(room), idleMs).unref());
  }

  async #onIdle(room: string): Promise<void> {
    if (this.#rooms?.has(room) || this.#options.isLive(room)) {
      this.#touch(room);
      return;
    }
    // What is still on its way to the directory goes under the fence that we have.
    await this.#kept?.written();
    if (this.#rooms?.has(room) || this.#options.isLive(room)) return this.#touch(room);
    this.#forget(room);
    await this.homes.release(room);
  }

  #forget(room: string): void {
    clearTimeout(this.#idle.get(room));
    this.#idle.delete(room);
    this.#kept?.leave(room);
  }
}
