/**
 * What a room's chat remembers, and all nodes have to agree on: the last messages, who may not write, slow mode, whether reading wants a
 * token. In: steps of ChatServer.ts and ChatConnection.ts. Two implementations: in memory (MemoryChatStore.ts), Redis (RedisChatStore.ts).
 * None of its methods rejects: without Redis a step holds for this node alone.
 */
import { z } from 'zod';
import { ChatMessage, ChatMessageId } from '../contracts/chat.ts';

/** What nobody has written to for so long is forgotten, ms. */
export const CHAT_KEPT_MS = 6 * 3_600_000;
/** A node that has not said for so long how many people it has has none, ms. */
export const PEOPLE_STALE_MS = 10_000;

/** `from` stands for a guest's address; it is never sent to anybody. */
export const StoredMessage = ChatMessage.extend({ from: z.string().optional() });
export type StoredMessage = z.infer<typeof StoredMessage>;

/** `out`, `slow`: it was not said; one may at `until`, ms since 1970. */
export const Said = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('said'), id: ChatMessageId }),
  z.object({ outcome: z.literal('out'), until: z.number() }),
  z.object({ outcome: z.literal('slow'), until: z.number() }),
]);
export type Said = z.infer<typeof Said>;

export interface ChatLog {
  /** Oldest first. */
  messages: StoredMessage[];
  slowSeconds: number;
  /** Who may not write (persons, and `from` of guests) → until when, ms since 1970. */
  out: ReadonlyMap<string, number>;
  /** Only who has a token may read. */
  guarded: boolean;
}

export interface SayOrder {
  room: string;
  draft: Omit<StoredMessage, 'id'>;
  /** `slow`: slow mode does not hold them; `all`: nor does a time-out. */
  exempt: 'nothing' | 'slow' | 'all';
}

export interface ChatStore {
  say(order: SayOrder): Promise<Said>;
  read(room: string): Promise<ChatLog>;
  remove(room: string, ids: readonly string[]): Promise<void>;
  /** `seconds` 0: may write again, and so may who was held together with them. Answers until when, ms since 1970; 0: may write. */
  timeOut(room: string, who: readonly string[], seconds: number): Promise<number>;
  setSlow(room: string, seconds: number): Promise<void>;
  setGuarded(room: string, guarded: boolean): Promise<void>;
  /** Says how many people this node has; answers how many there are on all. */
  people(room: string, count: number): Promise<number>;
  close(): Promise<void>;
}
