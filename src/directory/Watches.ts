/**
 * Keeps views up to date. In: the store's changes, numbered without a hole, and its number at each round. Out: views. Redis forgets what it
 * published when nobody listened; a hole in the numbers, or a number that does not come, shows that, and all is listed again. A
 * number that is known already is of a change that the listing had.
 */
import type { Logger } from '../common/logger.ts';
import type { EntryKind } from './entries.ts';
import type { Change, Store } from './Store.ts';
import { View } from './View.ts';

export class Watches {
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #views = new Map<EntryKind, View<EntryKind>>();
  /** Of the last change that was seen; null: all has to be listed. */
  #rev: number | null = null;
  /** The store's number at the round before. */
  #roundRev: number | null = null;
  /** What comes while it is listed; undefined: nothing is being listed. */
  #waiting: Change[] | undefined;
  #listing: Promise<void> | undefined;
  #settled: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(store: Store, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /** Listed when it resolves, if the store can be reached; else later. */
  async view<K extends EntryKind>(kind: K): Promise<View<K>> {
    const known = this.#views.get(kind);
    const view = (known ?? new View(kind, this.#logger)) as unknown as View<K>;
    if (!known) {
      this.#views.set(kind, view as unknown as View<EntryKind>);
      // Race: one that is being listed now may be past this kind.
      await this.#listing;
      await this.list();
    }
    return view;
  }

  noticed(change: Change): void {
    if (this.#views.size === 0) return;
    if (this.#waiting) this.#waiting.push(change);
    else if (this.#rev === null || change.rev > this.#rev + 1) void this.list();
    else if (change.rev === this.#rev + 1) this.#apply(change);
  }

  /** At each round. */
  round(rev: number): void {
    if (this.#views.size === 0) return;
    const before = this.#roundRev;
    this.#roundRev = rev;
    if (this.#rev === null || rev < this.#rev) void this.list();
    else if (before !== null && before <= rev && this.#rev < before) {
      this.#logger.warn('changes of the directory do not arrive; listening anew');
      this.#store.listenAgain();
      void this.list();
    }
  }

  /** Never rejects: a store that is away is asked at the next round. */
  list(): Promise<void> {
    this.#listing ??= this.#list()
      .catch((error: unknown) => {
        this.#rev = null;
        this.#logger.debug({ err: error }, 'the directory could not be listed');
      })
      .finally(() => {
        this.#listing = undefined;
        this.#waiting = undefined;
      });
    return this.#listing;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#settled);
  }

  async #list(): Promise<void> {
    for (let complete = this.#views.size === 0; !complete && !this.#closed; ) {
      this.#waiting = [];
      const revs: number[] = [];
      let settlingMs = 0;
      for (const view of this.#views.values()) {
        const listing = await this.#store.list(view.kind);
        view.replace(listing);
        revs.push(listing.rev);
        settlingMs = Math.max(settlingMs, listing.settlingMs);
      }
      this.#rev = Math.min(...revs);
      if (settlingMs > 0) this.#listAfter(settlingMs);
      complete = this.#catchUp(this.#waiting);
      // Race: at once, so that the next change is not put where nobody looks any more.
      if (complete) this.#waiting = undefined;
    }
  }

  /** False: there is a hole between what was listed and what has come since. */
  #catchUp(changes: readonly Change[]): boolean {
    for (const change of changes) {
      if (this.#rev === null || change.rev > this.#rev + 1) return false;
      if (change.rev === this.#rev + 1) this.#apply(change);
    }
    return true;
  }

  #apply(change: Change): void {
    this.#rev = change.rev;
    this.#views.get(change.kind)?.apply(change.rev, change.entry);
  }

  #listAfter(ms: number): void {
    clearTimeout(this.#settled);
    this.#settled = setTimeout(() => void this.list(), ms + 1);
    this.#settled.unref();
  }
}
