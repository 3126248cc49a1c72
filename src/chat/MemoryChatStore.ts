import { LRUCache } from 'lru-cache';
import { CHAT_HISTORY } from '../contracts/chat.ts';
import {
  CHAT_KEPT_MS,
  type ChatLog,
  type ChatStore,
  type Said,
  type SayOrder,
  type StoredMessage,
} from './ChatStore.ts';

/** Rooms whose chat is remembered. */
const MAX_ROOMS = 10_000;
/** Time-outs and last words of one room that are remembered. */
const MAX_PEOPLE = 10_000;

interface Kept {
  messages: StoredMessage[];
  slowSeconds: number;
  guarded: boolean;
  out: LRUCache<string, number>;
  spokeAt: LRUCache<string, number>;
}

/** Of one process. `now` is the wall clock, ms since 1970. */
export class MemoryChatStore implements ChatStore {
  readonly #rooms = new LRUCache<string, Kept>({ max: MAX_ROOMS, ttl: CHAT_KEPT_MS });
  readonly #now: () => number;
  #number = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async say({ room, draft, exempt }: SayOrder): Promise<Said> {
    const kept = this.#roomOf(room);
    const now = this.#now();
    if (exempt !== 'all') {
      const until = Math.max(kept.out.get(draft.person) ?? 0, (draft.from && kept.out.get(draft.from)) || 0);
      if (until > now) return { outcome: 'out', until };
    }
    if (exempt === 'nothing') {
      const free = (kept.spokeAt.get(draft.person) ?? Number.NEGATIVE_INFINITY) + kept.slowSeconds * 1000;
      if (free > now) return { outcome: 'slow', until: free };
    }
    kept.spokeAt.set(draft.person, now);
    const id = `${now}-${++this.#number}`;
    this.note(room, { ...draft, id });
    return { outcome: 'said', id };
  }

  /** Something that was said elsewhere, or is said now. */
  note(room: string, message: StoredMessage): void {
    const kept = this.#roomOf(room);
    kept.messages.push(message);
    if (kept.messages.length > CHAT_HISTORY) kept.messages.shift();
    this.#rooms.set(room, kept);
  }

  async read(room: string): Promise<ChatLog> {
    const { messages, slowSeconds, guarded, out } = this.#roomOf(room);
    const now = this.#now();
    const held = new Map([...out.entries()].filter(([, until]) => until > now));
    return { messages: [...messages], slowSeconds, guarded, out: held };
  }

  async remove(room: string, ids: readonly string[]): Promise<void> {
    const kept = this.#roomOf(room);
    kept.messages = kept.messages.filter(({ id }) => !ids.includes(id));
  }

  async timeOut(room: string, who: readonly string[], seconds: number): Promise<number> {
    const { out } = this.#roomOf(room);
    if (seconds === 0) {
      const together = new Set(who.map((key) => out.get(key)));
      for (const [key, until] of [...out.entries()]) if (together.has(until)) out.delete(key);
      return 0;
    }
    const until = this.#now() + seconds * 1000;
    for (const key of who) out.set(key, until);
    return until;
  }

  async setSlow(room: string, seconds: number): Promise<void> {
    this.#roomOf(room).slowSeconds = seconds;
  }

  async setGuarded(room: string, guarded: boolean): Promise<void> {
    const kept = this.#roomOf(room);
    kept.guarded = guarded;
    this.#rooms.set(room, kept);
  }

  async people(_room: string, count: number): Promise<number> {
    return count;
  }

  /** What all nodes know takes the place of what this one knew. */
  learn(room: string, { messages, slowSeconds, guarded, out }: ChatLog): void {
    const kept = this.#roomOf(room);
    Object.assign(kept, { messages: [...messages], slowSeconds, guarded });
    kept.out.clear();
    for (const [key, until] of out) kept.out.set(key, until);
  }

  async close(): Promise<void> {
    this.#rooms.clear();
  }

  #roomOf(room: string): Kept {
    const known = this.#rooms.get(room);
    if (known) return known;
    const kept: Kept = {
      ...{ messages: [], slowSeconds: 0, guarded: false },
      out: new LRUCache({ max: MAX_PEOPLE }),
      spokeAt: new LRUCache({ max: MAX_PEOPLE }),
    };
    this.#rooms.set(room, kept);
    return kept;
  }
}
