/** What each chat event does. In: payloads that were parsed, from ChatConnection.ts. */
import type { z } from 'zod';
import type { ChatAnswers, ChatEvent, ChatPayloads, ChatSelf } from '../contracts/chat.ts';
import { AppError } from '../contracts/errors.ts';
import type { TokenBucket } from '../signaling/TokenBucket.ts';
import type { ChatGate, ChatVisitor } from './ChatGate.ts';
import type { ChatRoom } from './ChatRoom.ts';
import type { ChatStore } from './ChatStore.ts';

/** One connection, as its handlers see it. */
export interface ChatSession {
  readonly visitor: ChatVisitor;
  readonly room: ChatRoom;
  readonly store: ChatStore;
  readonly gate: ChatGate;
  readonly reactions: TokenBucket;
  /** A guest has a name now. */
  named(visitor: ChatVisitor): void;
}

type Handlers = {
  [E in ChatEvent]: (session: ChatSession, payload: z.output<(typeof ChatPayloads)[E]>) => Promise<ChatAnswers[E]>;
};

/** What holds back others and not them. */
const EXEMPT = { host: 'all', cohost: 'slow', audience: 'nothing', guest: 'nothing' } as const;

export const CHAT_HANDLERS: Handlers = {
  'message:send': async (session, { text }) => {
    const { room, store, visitor } = session;
    const self = requireSelf(session);
    requireRate(session, self);
    const guest = self.role === 'guest';
    const at = Date.now();
    const draft = { ...self, text, at, ...(guest ? { from: visitor.from } : {}) };
    const said = await store.say({ room: room.name, draft, exempt: EXEMPT[self.role] });
    if (said.outcome !== 'said') {
      const seconds = Math.max(1, Math.ceil((said.until - Date.now()) / 1000));
      if (said.outcome === 'out') throw new AppError('forbidden', `A host has paused you for ${seconds} s.`);
      throw new AppError('too-many', `Slow mode: ${seconds} s.`);
    }
    room.say({ ...self, id: said.id, text, at });
    return { id: said.id };
  },

  'message:delete': async (session, { id }) => {
    const { room, store } = session;
    const self = requireSelf(session);
    const { messages } = await store.read(room.name);
    const message = messages.find((one) => one.id === id);
    if (self.role !== 'host' && message?.person !== self.person) throw new AppError('forbidden');
    await store.remove(room.name, [id]);
    room.delete([id]);
    return {};
  },

  'person:timeout': async (session, { person, seconds }) => {
    const { room, store } = session;
    requireHost(session);
    const { messages } = await store.read(room.name);
    const theirs = messages.filter((message) => message.person === person);
    const last = theirs.at(-1);
    if (last?.role === 'host') throw new AppError('forbidden', 'A host can not be paused.');
    // A guest can have another name in a moment: no guest of that address writes.
    const from = new Set(theirs.flatMap((message) => message.from ?? []));
    const until = await store.timeOut(room.name, [person, ...from], seconds);
    if (seconds > 0) {
      const ids = theirs.map(({ id }) => id);
      await store.remove(room.name, ids);
      room.delete(ids);
    }
    room.emit('timeout', { person, name: last?.name ?? '', seconds, until });
    return {};
  },

  'slow:set': async (session, { seconds }) => {
    requireHost(session);
    await session.store.setSlow(session.room.name, seconds);
    session.room.emit('slow', { seconds });
    return {};
  },

  'reaction:send': async ({ reactions, gate, visitor, room }, { reaction }) => {
    if (!reactions.take() || !gate.limits.take('reactionsFrom', visitor.from)) throw new AppError('too-many');
    room.react(reaction);
    return {};
  },

  'guest:name': async (session, { name }) => {
    const { gate, visitor } = session;
    if (visitor.self !== null && visitor.self.role !== 'guest') throw new AppError('conflict', 'You have a name.');
    const { self, guest, sub } = await gate.nameGuest(visitor, name);
    session.named({ ...visitor, self, sub });
    return { self, guest };
  },
};

function requireSelf({ visitor: { self } }: ChatSession): ChatSelf {
  if (self === null) throw new AppError('forbidden', 'Tell the others your name first.');
  return self;
}

function requireHost(session: ChatSession): void {
  if (requireSelf(session).role !== 'host') throw new AppError('forbidden');
}

/** The person's own first: one who says too much takes nothing from the others. */
function requireRate({ gate: { limits }, visitor, room }: ChatSession, { person, role }: ChatSelf): void {
  if (!limits.take('person', room.name, person)) throw new AppError('too-many');
  if (role === 'guest' && !limits.take('guests', visitor.from)) throw new AppError('too-many');
  if (role !== 'host' && !room.bucket.take()) throw new AppError('too-many', 'The chat is very busy.');
}
