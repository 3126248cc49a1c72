/**
 * What a room's next home needs of it, in the directory: its scene, who sat, and who is kept out or invited. In: each change of the rooms that are at home here
 * (rooms/RoomFiles.ts). Out: the same to whoever takes the room over, before it opens there.
 */
import type { Logger } from '../common/logger.ts';
import { RoomId } from '../contracts/ids.ts';
import type { Directory } from '../directory/Directory.ts';
import type { Lease } from '../directory/Lease.ts';
import type { RoomHomes } from '../directory/RoomHomes.ts';
import type { KeptRoom, RoomFiles } from '../rooms/RoomFiles.ts';

export interface KeptRoomsOptions {
  directory: Directory;
  homes: Pick<RoomHomes, 'fenceOf'>;
  files: RoomFiles;
  /** Puts in place what another node has kept. */
  adopt: (room: RoomId, kept: KeptRoom) => void;
  logger: Logger;
}

const isNothing = ({ scene, seated, door }: KeptRoom): boolean =>
  scene === null && seated.length === 0 && door === undefined;

export class KeptRooms {
  readonly #options: KeptRoomsOptions;
  readonly #leases = new Map<string, Lease<'kept-room'>>();
  readonly #adopting = new Set<string>();
  /** Race: of two changes in a row the second is written last. */
  #writing: Promise<void> = Promise.resolve();

  constructor(options: KeptRoomsOptions) {
    this.#options = options;
    options.files.on('changed', (room) => this.#changed(room));
  }

  /** Of a room that has just become ours: what the directory has wins over what is on our disk. Never rejects. */
  async adopt(id: string): Promise<void> {
    const { directory, files, adopt, logger } = this.#options;
    const room = RoomId.parse(id);
    try {
      const entry = await directory.find('kept-room', id);
      this.#adopting.add(id);
      if (entry) adopt(room, entry.data);
      this.#adopting.delete(id);
      // Under our own fence: who had it before can not write over it any more.
      if (entry || !isNothing(files.get(room))) this.#changed(room);
    } catch (error) {
      this.#adopting.delete(id);
      logger.warn({ err: error, room: id }, 'what another node has kept of the room is not known');
    }
  }

  /** The room is not ours any more: it stays as it is for the next home. */
  leave(room: string): void {
    this.#leases.get(room)?.leave();
    this.#leases.delete(room);
  }

  /** Resolves when all that has changed so far is with the directory, or can not be. */
  written(): Promise<void> {
    return this.#writing;
  }

  #changed(room: RoomId): void {
    if (this.#adopting.has(room)) return;
    this.#writing = this.#writing.then(() => this.#write(room));
  }

  /** Never rejects: a directory that is away is told later. */
  async #write(room: RoomId): Promise<void> {
    const { directory, homes, files, logger } = this.#options;
    const fence = homes.fenceOf(room);
    if (fence === null) return;
    const kept = files.get(room);
    try {
      const lease = await directory.hold('kept-room', room, kept, fence);
      // Taken away when nothing is kept any more: told first, so that it is ours to take.
      if (isNothing(kept)) {
        this.#leases.delete(room);
        await lease.release();
      } else this.#leases.set(room, lease);
    } catch (error) {
      logger.debug({ err: error, room }, 'what is kept of the room can not be told');
    }
  }
}
