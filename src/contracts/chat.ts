/**
 * Interface 7, Chat: socket.io namespace `/chat` on the public port of every SFU node, for everybody who is in a room or watches it. Any node
 * serves any room: it is not relayed to the room's home. Who reads needs nothing but the room's name, and where its playback wants a token
 * (`playback: token`) that token; who writes has a join token of the room, or is a guest: has given a name, and got a watch token for it.
 */
import { z } from 'zod';
import { DisplayName, RoomId } from './ids.ts';
import type { Ack } from './signaling.ts';
import { Role } from './tokens.ts';

export const CHAT_NAMESPACE = '/chat';
/** Longest text, characters. */
export const CHAT_TEXT_LENGTH = 500;
/** Messages that who comes is shown. */
export const CHAT_HISTORY = 100;
/** How long a time-out may be, seconds. */
export const MAX_TIME_OUT_S = 86_400;
/** Slowest slow mode, seconds between two messages of one person. */
export const MAX_SLOW_S = 300;

/** What one can react with; pages show an emoji for each. */
export const REACTIONS = ['heart', 'clap', 'laugh', 'wow', 'party', 'fire'] as const;
export const Reaction = z.enum(REACTIONS);
export type Reaction = z.infer<typeof Reaction>;

/** Plain text of one line, never HTML. What would turn the direction of the page's own text around is refused with control characters. */
export const ChatText = z
  .string()
  .transform((text) => text.replace(/\s+/gu, ' ').trim())
  .pipe(
    z
      .string()
      .min(1)
      .max(CHAT_TEXT_LENGTH)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
      .regex(/^[^\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]*$/u, 'no control characters'),
  );

/** Who wrote: the same for one person in one room at all nodes, and tells nothing of who that is to the application. */
export const ChatPersonId = z.string().regex(/^[A-Za-z0-9_-]{16}$/);
export type ChatPersonId = z.infer<typeof ChatPersonId>;

export const ChatRole = z.enum([...Role.options, 'guest']);
export type ChatRole = z.infer<typeof ChatRole>;

/** ms since 1970 and a number, as Redis' streams have them: in the order of what was said. */
export const ChatMessageId = z.string().regex(/^\d{1,16}-\d{1,12}$/);

export const ChatMessage = z.object({
  id: ChatMessageId,
  person: ChatPersonId,
  name: DisplayName,
  role: ChatRole,
  text: z.string().max(CHAT_TEXT_LENGTH),
  /** ms since 1970. */
  at: z.number(),
});
export type ChatMessage = z.infer<typeof ChatMessage>;

/** socket.io's `auth`. A token that is not good any more is refused with its code; a guest's is passed over. */
export const ChatAuth = z.object({
  room: RoomId,
  /** Of audience `join`. */
  token: z.string().optional(),
  /** Of audience `watch`, that an earlier connection got. */
  guest: z.string().optional(),
  /** Of audience `play`, where the room wants one. */
  play: z.string().optional(),
  /** For a join token that has no name. */
  name: DisplayName.optional(),
});
export type ChatAuth = z.infer<typeof ChatAuth>;

/** Payloads, client → server. */
export const ChatPayloads = {
  'message:send': z.object({ text: ChatText }),
  /** Hosts, and whoever wrote it. */
  'message:delete': z.object({ id: ChatMessageId }),
  /** Hosts. 0 seconds: may write again. What the person wrote lately goes away. Hosts themselves can not be timed out. */
  'person:timeout': z.object({ person: ChatPersonId, seconds: z.int().min(0).max(MAX_TIME_OUT_S) }),
  /** Hosts: so many seconds between two messages of one person, hosts and co-hosts excepted; 0: no slow mode. */
  'slow:set': z.object({ seconds: z.int().min(0).max(MAX_SLOW_S) }),
  'reaction:send': z.object({ reaction: Reaction }),
  /** Who has no join token gets a name, or another one. */
  'guest:name': z.object({ name: DisplayName }),
} as const;
export type ChatEvent = keyof typeof ChatPayloads;

export interface ChatSelf {
  person: ChatPersonId;
  name: string;
  role: ChatRole;
}

export interface ChatAnswers {
  'message:send': { id: string };
  'message:delete': Record<string, never>;
  'person:timeout': Record<string, never>;
  'slow:set': Record<string, never>;
  'reaction:send': Record<string, never>;
  /** To be sent as `guest` by later connections: the same person, whom a time-out still holds. */
  'guest:name': { self: ChatSelf; guest: string };
}

/** What who comes is told first. */
export interface ChatHello {
  /** null: reads only, until `guest:name`. */
  self: ChatSelf | null;
  /** Those without a join token may take a name. */
  guests: boolean;
  /** Oldest first. */
  messages: ChatMessage[];
  slowSeconds: number;
  /** Until when oneself may not write, ms since 1970; 0: one may. */
  outUntil: number;
  /** Who is in the chat, on all nodes. */
  people: number;
  /** The server's wall clock, ms since 1970. */
  serverTime: number;
}

/** Server → client. */
export interface ChatToClient {
  hello: (hello: ChatHello) => void;
  /** At most every 200 ms from each node. One that is known already may come again. */
  messages: (event: { messages: ChatMessage[] }) => void;
  deleted: (event: { ids: string[] }) => void;
  /** `until`: ms since 1970; 0: may write again. */
  timeout: (event: { person: ChatPersonId; name: string; seconds: number; until: number }) => void;
  slow: (event: { seconds: number }) => void;
  /** How often since the last one, at most every 250 ms from each node. */
  reactions: (event: { counts: Partial<Record<Reaction, number>> }) => void;
  people: (event: { count: number }) => void;
}

export type ChatToServer = {
  [E in ChatEvent]: (payload: z.input<(typeof ChatPayloads)[E]>, ack: (answer: Ack<ChatAnswers[E]>) => void) => void;
};
