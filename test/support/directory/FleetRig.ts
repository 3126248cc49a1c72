/** Several nodes that share one directory, each behind a line of its own that can be cut: what the suite of tests runs on. */
import { TypedEmitter } from '../../../src/common/TypedEmitter.ts';
import type { Directory } from '../../../src/directory/Directory.ts';
import type { EntryKind } from '../../../src/directory/entries.ts';
import type { MemoryStore } from '../../../src/directory/MemoryStore.ts';
import type {
  ClaimAnswer,
  ClaimOrder,
  EntryKey,
  Listing,
  RenewAnswer,
  Renewal,
  Store,
  StoreEvents,
} from '../../../src/directory/Store.ts';

export interface RigNode {
  directory: Directory;
  /** From now on it reaches nobody: to the others it is dead. */
  cut(): void;
  mend(): void;
}

export interface FleetRig {
  readonly ttlMs: number;
  /** `name` is also the base URL of its internal port. */
  node(name: string): Promise<RigNode>;
  close(): Promise<void>;
}

/** A store at the end of a line that can be cut. */
export class CutStore extends TypedEmitter<StoreEvents> implements Store {
  readonly #store: MemoryStore;
  #isCut = false;

  constructor(store: MemoryStore) {
    super();
    this.#store = store;
    store.on('change', (change) => {
      if (!this.#isCut) this.emit('change', change);
    });
  }

  get ttlMs(): number {
    return this.#store.ttlMs;
  }

  cut(): void {
    this.#isCut = true;
    this.emit('disconnected');
  }

  mend(): void {
    this.#isCut = false;
    this.emit('connected');
  }

  claim(order: ClaimOrder): Promise<ClaimAnswer> {
    return this.#reach(() => this.#store.claim(order));
  }

  renew(holder: string, held: readonly Renewal[]): Promise<RenewAnswer> {
    return this.#reach(() => this.#store.renew(holder, held));
  }

  release(key: EntryKey, holder: string, fence: number): Promise<void> {
    return this.#reach(() => this.#store.release(key, holder, fence));
  }

  list(kind: EntryKind): Promise<Listing> {
    return this.#reach(() => this.#store.list(kind));
  }

  get(key: EntryKey) {
    return this.#reach(() => this.#store.get(key));
  }

  listenAgain(): void {}

  async close(): Promise<void> {}

  async #reach<T>(question: () => Promise<T>): Promise<T> {
    if (this.#isCut) throw new Error('the line is cut');
    return question();
  }
}
