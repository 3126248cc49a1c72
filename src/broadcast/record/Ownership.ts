/**
 * One broadcast in the directory: that this node controls it (kind `broadcast`), and what another would need to go on with it (kind `record`, with
 * the program's clock as its beat; kind `pending` as long as it waits for its first compositor). In: the broadcast's changes. Out: `lost`, when another node has it. The record outlives us when we die or
 * hand the broadcast on; Succession.ts of another node finds it then.
 */
import type { Logger } from '../../common/logger.ts';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Directory } from '../../directory/Directory.ts';
import type { Berth, EntryData, EntryKind, FleetRecord, OwnerBeat, PendingStart } from '../../directory/entries.ts';
import type { Lease } from '../../directory/Lease.ts';

interface OwnershipEvents {
  /** Another node has it, with a higher fence: it is let go. At most once. */
  lost: [];
}

export interface OwnershipOptions {
  directory: Pick<Directory, 'node' | 'claim' | 'hold'>;
  logger: Logger;
}

type Of = { id: string; room: string };

export class Ownership extends TypedEmitter<OwnershipEvents> {
  readonly #options: OwnershipOptions;
  readonly #lease: Lease<'broadcast'>;
  readonly #heldSince = performance.now();
  #record: Lease<'record'> | undefined;
  #pending: Lease<'pending'> | undefined;
  #data: FleetRecord | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: OwnershipOptions, lease: Lease<'broadcast'>) {
    super();
    this.#options = options;
    this.#lease = lease;
    lease.once('lost', () => this.emit('lost'));
  }

  /** Throws AppError `directory-unavailable`, and `wrong-node` when another node has it. */
  static async claim(options: OwnershipOptions, { id, room }: Of): Promise<Ownership> {
    const { directory } = options;
    const { lease } = await directory.claim('broadcast', id, { url: directory.node, room });
    if (!lease) throw new AppError('wrong-node');
    return new Ownership(options, lease);
  }

  /** This node had it with that fence, before a restart. undefined: another has, or had, it since. Does not fail when the directory is away. */
  static async resume(options: OwnershipOptions, { id, room }: Of, fence: number): Promise<Ownership | undefined> {
    const { directory } = options;
    // Of a version that did not write it down.
    if (fence === 0) return Ownership.claim(options, { id, room });
    const lease = await directory.hold('broadcast', id, { url: directory.node, room }, fence);
    return lease.state === 'held' ? new Ownership(options, lease) : undefined;
  }

  get fence(): number {
    return this.#lease.fence;
  }

  get held(): boolean {
    return this.#lease.state === 'held';
  }

  /** The other nodes are told where its compositor is at work; null: nowhere. Never rejects. */
  async berth(at: Berth | null): Promise<void> {
    const { at: _, ...home } = this.#lease.data;
    await this.#lease.update(at ? { ...home, at } : home);
  }

  /** Written down when it resolves, if the directory can be reached; else it follows. Never rejects. */
  keep(record: FleetRecord, programMs: () => number): Promise<void> {
    this.#data = record;
    return this.#soon(async () => {
      await this.#write(record, programMs);
      await this.#pending?.release();
      this.#pending = undefined;
    });
  }

  /** It waits for its first compositor: likewise. */
  wait(pending: PendingStart): Promise<void> {
    return this.#soon(async () => {
      if (!this.held || this.#data) return;
      if (this.#pending) await this.#pending.update(pending);
      else this.#pending = this.#follow(await this.#hold('pending', pending, () => 0));
    });
  }

  /** The broadcast is over: nothing is left of it. */
  async end(): Promise<void> {
    await this.#writing;
    // In this order: a record without an owner is taken for what a dead node left.
    await this.#record?.release();
    await this.#pending?.release();
    await this.#lease.release();
  }

  /** Another node is to go on with it: what it needs is there, as it is now. */
  async handOn(): Promise<void> {
    await this.#writing;
    const record = this.#record;
    if (record && this.#data) await record.update({ ...this.#data, handedOn: true });
    record?.leave();
    this.#pending?.leave();
    await this.#lease.release();
  }

  #soon(write: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(write).catch((error: unknown) => {
      this.#options.logger.warn({ err: error }, 'the record could not be written');
    });
    return this.#writing;
  }

  async #write(data: FleetRecord, programMs: () => number): Promise<void> {
    if (!this.held) return;
    if (this.#record) await this.#record.update(data);
    else this.#record = this.#follow(await this.#hold('record', data, programMs));
  }

  #hold<K extends 'record' | 'pending'>(
    kind: K,
    data: EntryData<K> & { id: string },
    programMs: () => number,
  ): Promise<Lease<K>> {
    const beat = (): OwnerBeat => ({ programMs: programMs(), heldMs: performance.now() - this.#heldSince });
    return this.#options.directory.hold(kind, data.id, data, this.fence, { beat });
  }

  /** Whoever has the one has the other. */
  #follow<K extends EntryKind>(lease: Lease<K>): Lease<K> {
    if (lease.state === 'lost') this.emit('lost');
    else lease.once('lost', () => this.emit('lost'));
    return lease;
  }
}
