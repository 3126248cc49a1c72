/**
 * Broadcasts whose node died, or has handed them on. In: the directory's records, owners and homes. Out: for each record that nobody owns (an orphan), also of
 * one that only waits to start, the order to go on with it here, once its room is at home here. Every SFU node does this; which of them goes on with a broadcast is decided
 * where the room is claimed (RoomHomes.ts), the first who asks has it, and then, for certain, by the claim to the broadcast itself.
 *
 * It looks again at each change of what it looks at, and after RETRY_MS while there is an orphan that it could not do anything about.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../common/logger.ts';
import { AppError } from '../contracts/errors.ts';
import type { Directory } from '../directory/Directory.ts';
import type { Entry } from '../directory/entries.ts';
import type { RoomHomes } from '../directory/RoomHomes.ts';
import type { View } from '../directory/View.ts';
import { Ownership } from './record/Ownership.ts';

const RETRY_MS = 2_000;
/** The nodes do not all ask at once, so that one does not have all rooms of a dead one: each waits for up to, ms. */
const SPREAD_MS = 100;
/** An owner that died is known to be dead after a lease's life (10 s); who starts a broadcast in its room waits for that no longer than, ms. */
const PATIENCE_MS = 15_000;

/** What is left of a broadcast: it ran, or waited to start. */
export type Orphan = Entry<'record'> | Entry<'pending'>;

export interface SuccessionOptions {
  directory: Directory;
  homes: Pick<RoomHomes, 'homeOf' | 'on' | 'off'>;
  /** It is at work here, or about to be. */
  has: (broadcast: string) => boolean;
  /** Goes on with it; when it rejects, somebody else may. */
  goOn: (left: Orphan, owner: Ownership) => Promise<void>;
  logger: Logger;
}

export class Succession {
  readonly #options: SuccessionOptions;
  readonly #logger: Logger;
  readonly #records: View<'record'>;
  readonly #pending: View<'pending'>;
  readonly #owners: View<'broadcast'>;
  readonly #rooms: View<'room'>;
  readonly #busy = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();
  #retry: NodeJS.Timeout | undefined;

  private constructor(
    options: SuccessionOptions,
    views: { records: View<'record'>; pending: View<'pending'>; owners: View<'broadcast'>; rooms: View<'room'> },
  ) {
    this.#options = options;
    this.#logger = options.logger.child({ part: 'succession' });
    this.#records = views.records;
    this.#pending = views.pending;
    this.#owners = views.owners;
    this.#rooms = views.rooms;
  }

  /** It has looked for the first time when this has resolved. The directory may be away: it looks when that is there. */
  static async create(options: SuccessionOptions): Promise<Succession> {
    const { directory } = options;
    const [owners, rooms] = [await directory.watch('broadcast'), await directory.watch('room')];
    // Last: of what is listed here the owners are known.
    const [pending, records] = [await directory.watch('pending'), await directory.watch('record')];
    const succession = new Succession(options, { owners, rooms, pending, records });
    succession.#begin();
    return succession;
  }

  /**
   * Resolves when no other node has, or had, a broadcast in the room that is to go on here: then it is known here. Throws AppError `wrong-node`
   * when that takes too long.
   */
  async settled(room: string): Promise<void> {
    const until = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(PATIENCE_MS)]);
    for (;;) {
      const left = this.#left.filter(({ data, id }) => data.room === room && !this.#options.has(id));
      if (left.length === 0) return;
      if (until.aborted) throw new AppError('wrong-node', 'Another node has a broadcast of this room.');
      const taken = left.flatMap(({ id }) => this.#busy.get(id) ?? []);
      await (taken.length > 0 ? Promise.all(taken) : this.#change(until));
    }
  }

  /** Goes on with nothing any more; resolves when nothing is under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#retry);
    this.#records.off('changed', this.#look).off('gone', this.#look);
    this.#pending.off('changed', this.#look).off('gone', this.#look);
    this.#owners.off('gone', this.#look);
    this.#rooms.off('gone', this.#look);
    this.#options.homes.off('acquired', this.#look);
    await Promise.all(this.#busy.values());
  }

  #begin(): void {
    this.#records.on('changed', this.#look).on('gone', this.#look);
    this.#pending.on('changed', this.#look).on('gone', this.#look);
    this.#owners.on('gone', this.#look);
    this.#rooms.on('gone', this.#look);
    this.#options.homes.on('acquired', this.#look);
    this.#look();
  }

  readonly #look = (): void => {
    clearTimeout(this.#retry);
    if (this.#closed.signal.aborted) return;
    const orphans = this.#left.filter((record) => this.#isOrphan(record));
    if (orphans.length > 0) this.#retry = setTimeout(this.#look, RETRY_MS).unref();
    for (const { id, data } of orphans) {
      if (this.#busy.has(id)) continue;
      this.#busy.set(
        id,
        this.#inherit(id, data.room)
          .catch((error: unknown) => this.#failed(id, error))
          .finally(() => this.#busy.delete(id)),
      );
    }
  };

  get #left(): Orphan[] {
    return [...this.#records.entries, ...this.#pending.entries];
  }

  /** An owner of our own name that we know nothing of is a process before us. */
  #isOrphan({ id }: Orphan): boolean {
    const { directory, has } = this.#options;
    const owner = this.#owners.get(id);
    return (owner === undefined || owner.holder === directory.node) && !has(id);
  }

  async #inherit(id: string, room: string): Promise<void> {
    const { directory, homes, has, goOn, logger } = this.#options;
    const { signal } = this.#closed;
    await delay(Math.random() * SPREAD_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const home = await homes.homeOf(room);
    if (!home?.own || has(id) || signal.aborted) return;
    const owner = await Ownership.claim({ directory, logger }, { id, room });
    try {
      // As it is now, and how old: what is in the view is from when it was changed last.
      const left = (await directory.find('record', id)) ?? (await directory.find('pending', id));
      if (left && !signal.aborted) await goOn(left, owner);
      else await owner.end();
    } catch (error) {
      await owner.handOn();
      throw error;
    }
  }

  /** Others may have more luck; we try again after a while. */
  async #failed(id: string, error: unknown): Promise<void> {
    this.#logger.warn({ err: error, broadcast: id }, 'an orphan was not gone on with');
    await delay(RETRY_MS, undefined, { signal: this.#closed.signal }).catch(() => {});
  }

  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => resolve();
    signal.addEventListener('abort', done, { once: true });
    this.#records.on('changed', done).on('gone', done);
    this.#pending.on('changed', done).on('gone', done);
    this.#owners.on('gone', done);
    if (!signal.aborted) await promise;
    signal.removeEventListener('abort', done);
    this.#records.off('changed', done).off('gone', done);
    this.#pending.off('changed', done).off('gone', done);
    this.#owners.off('gone', done);
  }
}
