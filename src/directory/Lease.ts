import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { EntryData, EntryKind, OwnerBeat } from './entries.ts';

export interface NewerOwner {
  /** Empty: it was somebody's in between, and is nobody's now. */
  holder: string;
  fence: number;
}

interface LeaseEvents {
  /** Somebody else has, or had, a higher fence: whoever holds this one stops. At most once. */
  lost: [by: NewerOwner];
}

interface LeaseOptions<K extends EntryKind> {
  kind: K;
  id: string;
  fence: number;
  data: EntryData<K>;
  beat: (() => OwnerBeat) | undefined;
  /** Writes the data down; false: not now, it follows. */
  tell: () => Promise<boolean>;
  giveBack: () => Promise<void>;
  /** It is renewed no more. */
  letGo: () => void;
}

/** What this node owns. It is held until it is given back or lost to a higher fence: a directory that is away takes nothing from anybody. */
export class Lease<K extends EntryKind = EntryKind> extends TypedEmitter<LeaseEvents> {
  readonly kind: K;
  readonly id: string;
  /** For whoever acts for the owner; who sees a higher one refuses it. */
  readonly fence: number;
  readonly #options: LeaseOptions<K>;
  #data: EntryData<K>;
  #state: 'held' | 'lost' | 'released' = 'held';
  /** Grows with each change of the data. */
  #version = 1;
  #toldVersion = 0;

  constructor(options: LeaseOptions<K>) {
    super();
    this.kind = options.kind;
    this.id = options.id;
    this.fence = options.fence;
    this.#data = options.data;
    this.#options = options;
  }

  get state(): 'held' | 'lost' | 'released' {
    return this.#state;
  }

  get data(): EntryData<K> {
    return this.#data;
  }

  get version(): number {
    return this.#version;
  }

  /** Whether the directory was told of it as it is now. */
  get told(): boolean {
    return this.#toldVersion === this.#version;
  }

  /** For the owner's clock; JSON, or empty. */
  beat(): string {
    return this.#options.beat ? JSON.stringify(this.#options.beat()) : '';
  }

  /** Others see the new data. True when it is written down; false when that has to wait, or it is not held any more. */
  async update(data: EntryData<K>): Promise<boolean> {
    if (this.#state !== 'held') return false;
    this.#data = data;
    this.#version += 1;
    return this.#options.tell();
  }

  /** Idempotent. Somebody else may have it at once; a directory that is away lets it expire instead. */
  async release(): Promise<void> {
    if (this.#state !== 'held') return;
    this.#state = 'released';
    await this.#options.giveBack();
  }

  /** Of a kind that lasts: it stays as it is for whoever goes on, and is not ours any more. Idempotent. */
  leave(): void {
    if (this.#state !== 'held') return;
    this.#state = 'released';
    this.#options.letGo();
  }

  /** By its owner only: that version of the data is written down. */
  wasTold(version: number): void {
    this.#toldVersion = Math.max(this.#toldVersion, version);
  }

  /** By its owner only. False: it was not held any more. */
  lose(by: NewerOwner): boolean {
    if (this.#state !== 'held') return false;
    this.#state = 'lost';
    this.emit('lost', by);
    return true;
  }
}
