import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { type Entry, type EntryKind, parseEntry, type RawEntry } from './entries.ts';
import type { Listing } from './Store.ts';

interface ViewEvents<K extends EntryKind> {
  /** It is new, has another owner, or carries something else. */
  changed: [entry: Entry<K>];
  /** Given back, expired, or removed. */
  gone: [entry: Entry<K>];
}

/** All entries of one kind as this node knows them; Watches.ts keeps it up to date. While the directory is away it stays as it was. */
export class View<K extends EntryKind> extends TypedEmitter<ViewEvents<K>> {
  readonly kind: K;
  readonly #logger: Logger;
  readonly #entries = new Map<string, Entry<K>>();
  /** Of the listing that it was made from last. */
  #rev = 0;

  constructor(kind: K, logger: Logger) {
    super();
    this.kind = kind;
    this.#logger = logger;
  }

  get entries(): Entry<K>[] {
    return [...this.#entries.values()];
  }

  get(id: string): Entry<K> | undefined {
    return this.#entries.get(id);
  }

  /** By its owner only. */
  apply(rev: number, raw: RawEntry): void {
    if (rev <= this.#rev) return;
    if (raw.holder === '') this.#remove(raw.id);
    else this.#set(raw);
  }

  /** By its owner only. While the store settles, what is missing may be there still: it stays. */
  replace({ rev, settlingMs, entries }: Listing): void {
    this.#rev = rev;
    const listed = new Set(entries.map(({ id }) => id));
    for (const raw of entries) this.#set(raw);
    if (settlingMs > 0) return;
    for (const id of [...this.#entries.keys()]) if (!listed.has(id)) this.#remove(id);
  }

  #set(raw: RawEntry): void {
    const entry = parseEntry(this.kind, raw);
    const before = this.#entries.get(raw.id);
    if (!entry) {
      this.#logger.warn({ kind: this.kind, id: raw.id, holder: raw.holder }, 'an entry that can not be understood');
      this.#remove(raw.id);
      return;
    }
    this.#entries.set(raw.id, entry);
    if (before && sameOwnerAndData(before, entry)) return;
    this.emit('changed', entry);
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry && this.#entries.delete(id)) this.emit('gone', entry);
  }
}

function sameOwnerAndData<K extends EntryKind>(a: Entry<K>, b: Entry<K>): boolean {
  return a.holder === b.holder && a.fence === b.fence && JSON.stringify(a.data) === JSON.stringify(b.data);
}
