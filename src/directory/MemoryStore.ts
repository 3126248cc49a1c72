import { LRUCache } from 'lru-cache';
import { type Clock, monotonicClock } from '../common/clock.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { ENTRY_KINDS, type EntryKind, isLasting, type RawEntry } from './entries.ts';
import {
  type ClaimAnswer,
  type ClaimOrder,
  type EntryKey,
  LEASE_TTL_MS,
  type Listing,
  type RenewAnswer,
  type Renewal,
  type RenewalAnswer,
  type Store,
  type StoreEvents,
} from './Store.ts';

/** Fences of what was given back are known for so many entries, the newest. */
const REMEMBERED = 10_000;

interface Kept {
  holder: string;
  fence: number;
  data: string;
  writtenAt: number;
  /** Infinity: never. */
  expiresAt: number;
  beat: string;
  beatAt: number;
}

export interface MemoryStoreOptions {
  ttlMs?: number;
  clock?: Clock;
  /** ms since 1970; for fences. */
  wallClock?: () => number;
}

/** For one process; the directories of a test may share one. It is never away and forgets nothing, so it never settles. */
export class MemoryStore extends TypedEmitter<StoreEvents> implements Store {
  readonly ttlMs: number;
  readonly #clock: Clock;
  readonly #wallClock: () => number;
  readonly #kept = new Map<EntryKind, Map<string, Kept>>(ENTRY_KINDS.map((kind) => [kind, new Map()]));
  /** The highest fence of what nobody has any more. */
  readonly #past = new LRUCache<string, number>({ max: REMEMBERED });
  #rev = 0;
  #highest = 0;

  constructor({ ttlMs = LEASE_TTL_MS, clock = monotonicClock, wallClock = Date.now }: MemoryStoreOptions = {}) {
    super();
    this.ttlMs = ttlMs;
    this.#clock = clock;
    this.#wallClock = wallClock;
  }

  async claim({ kind, id, holder, fence, data, beat: told }: ClaimOrder): Promise<ClaimAnswer> {
    const now = this.#clock.now();
    const kept = this.#of(kind).get(id);
    const alive = kept !== undefined && kept.expiresAt > now;
    const newest = kept?.fence ?? this.#past.get(keyOf(kind, id)) ?? 0;
    if (fence === null && alive && kept.holder !== holder) return { outcome: 'held', entry: rawOf(id, kept, now) };
    if (fence !== null && (newest > fence || (newest === fence && kept && kept.holder !== holder)))
      return { outcome: 'lost', holder: kept?.holder ?? '', fence: newest };
    const given = fence ?? Math.max(this.#highest + 1, Math.floor(this.#wallClock()));
    this.#highest = Math.max(this.#highest, given);
    const same = alive && kept.holder === holder && kept.fence === given && kept.data === data;
    const { beat, beatAt } = told === '' && kept?.holder === holder ? kept : { beat: told, beatAt: now };
    const expiresAt = this.#expiry(kind, now);
    this.#of(kind).set(id, { holder, fence: given, data, writtenAt: now, expiresAt, beat, beatAt });
    if (!same) this.#tell(kind, { id, holder, fence: given, data });
    return { outcome: 'mine', fence: given };
  }

  async renew(holder: string, held: readonly Renewal[]): Promise<RenewAnswer> {
    const now = this.#clock.now();
    const answers = held.map((renewal) => this.#renew(holder, renewal, now));
    let nextMs: number | null = null;
    for (const kind of ENTRY_KINDS) {
      for (const [id, { expiresAt }] of this.#of(kind)) {
        if (expiresAt <= now) this.#drop(kind, id);
        else if (expiresAt !== Number.POSITIVE_INFINITY) nextMs = Math.min(nextMs ?? expiresAt - now, expiresAt - now);
      }
    }
    return { rev: this.#rev, nextMs, answers };
  }

  #renew(holder: string, { kind, id, fence, beat }: Renewal, now: number): RenewalAnswer {
    const kept = this.#of(kind).get(id);
    const newest = kept?.fence ?? this.#past.get(keyOf(kind, id)) ?? 0;
    if (newest > fence || (newest === fence && kept && kept.holder !== holder))
      return { outcome: 'lost', holder: kept?.holder ?? '', fence: newest };
    if (!kept || kept.fence < fence) return { outcome: 'absent' };
    kept.expiresAt = this.#expiry(kind, now);
    if (beat) Object.assign(kept, { beat, beatAt: now });
    return { outcome: 'held' };
  }

  async release({ kind, id }: EntryKey, holder: string, fence: number): Promise<void> {
    const kept = this.#of(kind).get(id);
    if (kept?.holder === holder && kept.fence === fence) this.#drop(kind, id);
  }

  async list(kind: EntryKind): Promise<Listing> {
    const now = this.#clock.now();
    const alive = [...this.#of(kind)].filter(([, { expiresAt }]) => expiresAt > now);
    return { rev: this.#rev, settlingMs: 0, entries: alive.map(([id, kept]) => rawOf(id, kept, now)) };
  }

  async get({ kind, id }: EntryKey): Promise<RawEntry | null> {
    const now = this.#clock.now();
    const kept = this.#of(kind).get(id);
    return kept && kept.expiresAt > now ? rawOf(id, kept, now) : null;
  }

  /** Nothing can be missed. */
  listenAgain(): void {}

  async close(): Promise<void> {}

  #of(kind: EntryKind): Map<string, Kept> {
    const entries = this.#kept.get(kind);
    if (!entries) throw new Error(`there is no kind ${kind}`);
    return entries;
  }

  #expiry(kind: EntryKind, now: number): number {
    return isLasting(kind) ? Number.POSITIVE_INFINITY : now + this.ttlMs;
  }

  #drop(kind: EntryKind, id: string): void {
    const { fence = 0 } = this.#of(kind).get(id) ?? {};
    this.#of(kind).delete(id);
    this.#past.set(keyOf(kind, id), fence);
    this.#tell(kind, { id, holder: '', fence, data: '' });
  }

  /** Not at once: who changes something is not called back in the middle of it. */
  #tell(kind: EntryKind, entry: RawEntry): void {
    this.#rev += 1;
    const change = { rev: this.#rev, kind, id: entry.id, entry };
    queueMicrotask(() => this.emit('change', change));
  }
}

const keyOf = (kind: EntryKind, id: string): string => `${kind}:${id}`;

const rawOf = (id: string, { holder, fence, data, writtenAt, beat, beatAt }: Kept, now: number): RawEntry => ({
  ...{ id, holder, fence, data, beat },
  ageMs: now - writtenAt,
  beatAgeMs: now - beatAt,
});
