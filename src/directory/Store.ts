/**
 * The place in which all nodes agree: Redis (redis/RedisStore.ts), or the process itself (MemoryStore.ts). SharedDirectory asks, and does
 * everything that is the same for both. Each method is one atomic step: nobody sees half of it, and no other step comes between.
 *
 * Time is the store's own. An entry expires `ttlMs` after it was claimed or renewed last. When the store was away, or has forgotten, owners
 * need a moment to say what they hold: meanwhile it settles, for `ttlMs`, in which nothing expires and nobody is given what another
 * may hold.
 */
import type { TypedEmitter } from '../common/TypedEmitter.ts';
import type { EntryKind, RawEntry } from './entries.ts';

/** An owner's entry is somebody else's, or nobody's, when it was not renewed for this long, ms. */
export const LEASE_TTL_MS = 10_000;

export interface EntryKey {
  kind: EntryKind;
  id: string;
}

/** In the order of `rev`, which grows by one with each. An empty `holder`: nobody has it any more. */
export interface Change extends EntryKey {
  rev: number;
  entry: RawEntry;
}

export interface ClaimOrder extends EntryKey {
  holder: string;
  /** Of what the holder has already; null: it wants to have it, and gets a new fence, max(highest ever + 1, ms since 1970). */
  fence: number | null;
  data: string;
  /** JSON, kept with the entry; empty: as it was, if it was the holder's. */
  beat: string;
}

export type ClaimAnswer =
  | { outcome: 'mine'; fence: number }
  /** Somebody else has it. */
  | { outcome: 'held'; entry: RawEntry }
  /** The given fence is not the newest: it was somebody else's since, or is. */
  | { outcome: 'lost'; holder: string; fence: number }
  /** The store settles; ask again after so many ms. */
  | { outcome: 'wait'; ms: number };

export interface Renewal extends EntryKey {
  fence: number;
  /** JSON, kept with the entry; empty: none. */
  beat: string;
}

/** `absent`: the store does not have it, or has forgotten whose it is; claim it with its fence. */
export type RenewalAnswer = { outcome: 'held' | 'absent' } | { outcome: 'lost'; holder: string; fence: number };

export interface RenewAnswer {
  /** Of the last change. */
  rev: number;
  /** When the next entry expires, or it has settled, ms from now; null: nothing will. */
  nextMs: number | null;
  answers: RenewalAnswer[];
}

export interface Listing {
  rev: number;
  /** For so long entries may be missing, ms. 0: these are all. */
  settlingMs: number;
  entries: RawEntry[];
}

export interface StoreEvents {
  change: [change: Change];
  /** It may be asked; changes may have been missed. */
  connected: [];
  disconnected: [];
}

export interface Store extends TypedEmitter<StoreEvents> {
  readonly ttlMs: number;
  /** Also with a fence: changed data is written by claiming again. */
  claim(order: ClaimOrder): Promise<ClaimAnswer>;
  /** And takes away whatever has expired, whoever had it. */
  renew(holder: string, held: readonly Renewal[]): Promise<RenewAnswer>;
  /** Only by who holds it with this fence. The fence stays known, so that a lower one does not come back. */
  release(key: EntryKey, holder: string, fence: number): Promise<void>;
  list(kind: EntryKind): Promise<Listing>;
  get(key: EntryKey): Promise<RawEntry | null>;
  /** Changes were missed: listens anew. */
  listenAgain(): void;
  close(): Promise<void>;
}
