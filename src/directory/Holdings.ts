/**
 * Everything that this node owns. In: claims, and what the store says at each round of renewal. Out: leases, told when they are lost.
 * SharedDirectory.ts is next: it says when a round is due.
 */
import type { Logger } from '../common/logger.ts';
import { AppError } from '../contracts/errors.ts';
import type { HoldOptions } from './Directory.ts';
import type { Entry, EntryData, EntryKind } from './entries.ts';
import { isLasting, parseEntry } from './entries.ts';
import { Lease, type NewerOwner } from './Lease.ts';
import type { DirectoryMetrics } from './metrics.ts';
import type { Change, ClaimAnswer, RenewAnswer, RenewalAnswer, Store } from './Store.ts';

/** One step of the store is short: others wait for it. */
const RENEWALS_A_STEP = 200;

export interface HoldingsOptions {
  store: Store;
  node: string;
  logger: Logger;
  metrics: DirectoryMetrics | undefined;
}

export type Claimed<K extends EntryKind> =
  | { lease: Lease<K>; holder?: never; waitMs?: never }
  | { lease?: never; holder: Entry<K>; waitMs?: never }
  | { lease?: never; holder?: never; waitMs: number };

export class Holdings {
  readonly #options: HoldingsOptions;
  readonly #leases = new Map<string, Lease>();
  /** Given back while the store was away, of kinds that do not expire: else others would take them for what a dead node left. */
  readonly #owed = new Map<string, Lease>();

  constructor(options: HoldingsOptions) {
    this.#options = options;
  }

  get<K extends EntryKind>(kind: K, id: string): Lease<K> | undefined {
    return this.#leases.get(keyOf(kind, id)) as Lease<K> | undefined;
  }

  /** Throws what the store does. */
  async claim<K extends EntryKind>(kind: K, id: string, data: EntryData<K>): Promise<Claimed<K>> {
    const { store, node, logger } = this.#options;
    const answer = await store.claim({ kind, id, holder: node, fence: null, data: JSON.stringify(data), beat: '' });
    if (answer.outcome === 'wait') return { waitMs: answer.ms };
    if (answer.outcome === 'mine') {
      const lease = this.#add(kind, id, data, answer.fence);
      lease.wasTold(lease.version);
      return { lease };
    }
    const holder = answer.outcome === 'held' ? parseEntry(kind, answer.entry) : null;
    if (!holder) throw new AppError('conflict', 'It belongs to a node of another version.');
    logger.debug({ kind, id, holder: holder.holder }, 'somebody else has it');
    return { holder };
  }

  /** Resolves when the store has been told, or can not be. */
  async hold<K extends EntryKind>(
    kind: K,
    id: string,
    data: EntryData<K>,
    fence: number,
    options: HoldOptions,
  ): Promise<Lease<K>> {
    const held = this.get(kind, id);
    if (held?.fence === fence) {
      await held.update(data);
      return held;
    }
    const lease = this.#add(kind, id, data, fence, options);
    if (lease.state === 'held') await this.#tell(lease);
    return lease;
  }

  /** Renews, and tells the store again what it has forgotten. Throws when the store does not have everything afterwards. */
  async round(): Promise<RenewAnswer> {
    const { store, node } = this.#options;
    await this.#giveOwed();
    const leases = [...this.#leases.values()];
    let answer: RenewAnswer | undefined;
    const untold: Lease[] = [];
    for (let at = 0; at === 0 || at < leases.length; at += RENEWALS_A_STEP) {
      const some = leases.slice(at, at + RENEWALS_A_STEP);
      const step = some.map((lease) => ({ kind: lease.kind, id: lease.id, fence: lease.fence, beat: lease.beat() }));
      answer = await store.renew(node, step);
      some.forEach((lease, n) => {
        if (!this.#isRenewed(lease, answer?.answers[n])) untold.push(lease);
      });
    }
    const told = await Promise.all(untold.map((lease) => lease.state !== 'held' || this.#tell(lease)));
    if (!answer || told.includes(false)) throw new Error('the directory does not have everything that this node holds');
    return answer;
  }

  /** True: somebody has taken from us what we still hold, by mistake: a round is due. */
  noticed({ kind, id, entry }: Change): boolean {
    const lease = this.#leases.get(keyOf(kind, id));
    if (!lease || entry.fence < lease.fence) return false;
    if (entry.fence === lease.fence) return entry.holder === '';
    this.#lost(lease, { holder: entry.holder, fence: entry.fence });
    return false;
  }

  /** All but records: they are there for whoever goes on. */
  async releaseAll(): Promise<void> {
    const leases = [...this.#leases.values()];
    await Promise.all(leases.filter(({ kind }) => !isLasting(kind)).map((lease) => lease.release()));
  }

  #add<K extends EntryKind>(
    kind: K,
    id: string,
    data: EntryData<K>,
    fence: number,
    { beat }: HoldOptions = {},
  ): Lease<K> {
    const lease: Lease<K> = new Lease({
      ...{ kind, id, fence, data, beat },
      tell: () => this.#tell(lease),
      giveBack: () => this.#giveBack(lease),
      letGo: () => this.#forget(lease),
    });
    // Of two of our own, the one with the higher fence counts.
    const other = this.get(kind, id);
    const newer = other && other.fence > fence ? other : lease;
    (newer === lease ? other : lease)?.lose({ holder: this.#options.node, fence: newer.fence });
    if (newer !== lease) return lease;
    this.#owed.delete(keyOf(kind, id));
    if (!this.#leases.has(keyOf(kind, id))) this.#options.metrics?.held.inc({ kind });
    this.#leases.set(keyOf(kind, id), lease as unknown as Lease);
    return lease;
  }

  #isRenewed(lease: Lease, answer: RenewalAnswer | undefined): boolean {
    if (!answer || answer.outcome === 'absent') {
      if (lease.told && lease.state === 'held') {
        this.#options.metrics?.reannounced.inc({ kind: lease.kind });
        this.#options.logger.warn(
          { kind: lease.kind, id: lease.id, fence: lease.fence },
          'the directory had forgotten',
        );
      }
      return false;
    }
    if (answer.outcome === 'lost') this.#lost(lease, answer);
    return lease.told;
  }

  /** Claims it with its fence. False: not now. */
  async #tell<K extends EntryKind>(lease: Lease<K>): Promise<boolean> {
    const { store, node, logger } = this.#options;
    const { kind, id, fence, version, data } = lease;
    let answer: ClaimAnswer;
    try {
      answer = await store.claim({ kind, id, holder: node, fence, data: JSON.stringify(data), beat: lease.beat() });
    } catch (error) {
      logger.debug({ err: error, kind, id }, 'the directory could not be told');
      return false;
    }
    if (answer.outcome === 'lost') this.#lost(lease, answer);
    if (answer.outcome !== 'mine') return false;
    lease.wasTold(version);
    return true;
  }

  async #giveBack<K extends EntryKind>(lease: Lease<K>): Promise<void> {
    const { store, node, logger } = this.#options;
    this.#forget(lease);
    try {
      await store.release(lease, node, lease.fence);
    } catch (error) {
      logger.debug({ err: error, kind: lease.kind, id: lease.id }, 'could not be given back; it expires, or follows');
      if (isLasting(lease.kind)) this.#owed.set(keyOf(lease.kind, lease.id), lease as unknown as Lease);
    }
  }

  /** Before all else that the store is told: who is told that an owner is gone must not find its record. */
  async #giveOwed(): Promise<void> {
    const { store, node } = this.#options;
    for (const [key, lease] of this.#owed) {
      await store.release(lease, node, lease.fence);
      this.#owed.delete(key);
    }
  }

  #lost<K extends EntryKind>(lease: Lease<K>, { holder, fence }: NewerOwner): void {
    const { kind, id } = lease;
    this.#forget(lease);
    if (!lease.lose({ holder, fence })) return;
    this.#options.metrics?.lost.inc({ kind });
    this.#options.logger.warn({ kind, id, fence: lease.fence, by: holder, newer: fence }, 'lost to a newer owner');
  }

  #forget<K extends EntryKind>(lease: Lease<K>): void {
    const key = keyOf(lease.kind, lease.id);
    // It may be another lease's by now.
    if (this.#leases.get(key) !== (lease as unknown as Lease)) return;
    this.#leases.delete(key);
    this.#options.metrics?.held.dec({ kind: lease.kind });
  }
}

const keyOf = (kind: EntryKind, id: string): string => `${kind}:${id}`;
