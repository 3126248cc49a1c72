import type { Socket } from 'socket.io';
import type { Logger } from '../common/logger.ts';
import { type ChatEvent, ChatPayloads, type ChatToClient, type ChatToServer } from '../contracts/chat.ts';
import { AnsweredEvents } from '../signaling/AnsweredEvents.ts';
import type { TokenBucket } from '../signaling/TokenBucket.ts';
import type { ChatGate, ChatVisitor } from './ChatGate.ts';
import type { ChatRoom } from './ChatRoom.ts';
import type { ChatLog, ChatStore, StoredMessage } from './ChatStore.ts';
import { CHAT_HANDLERS, type ChatSession } from './handlers.ts';
import type { ChatMetrics } from './metrics.ts';

/** Nobody clicks more often. */
const EVENTS = { perSecond: 10, burst: 40 };
/** Who goes on after so many refusals is not a page of ours. */
const MAX_REFUSED = 200;

export type ChatSocket = Socket<ChatToServer, ChatToClient>;

export interface ChatConnectionOptions {
  socket: ChatSocket;
  visitor: ChatVisitor;
  room: ChatRoom;
  store: ChatStore;
  gate: ChatGate;
  logger: Logger;
  metrics: ChatMetrics;
}

/** One socket: parses, limits and dispatches what it sends. In: socket.io events. Next: handlers.ts. It ends with its socket. */
export class ChatConnection implements ChatSession {
  readonly room: ChatRoom;
  readonly store: ChatStore;
  readonly gate: ChatGate;
  readonly reactions: TokenBucket;
  readonly #socket: ChatSocket;
  readonly #metrics: ChatMetrics;
  #visitor: ChatVisitor;

  constructor({ socket, visitor, room, store, gate, logger, metrics }: ChatConnectionOptions) {
    this.room = room;
    this.store = store;
    this.gate = gate;
    this.reactions = gate.limits.bucket('reactions');
    this.#socket = socket;
    this.#visitor = visitor;
    this.#metrics = metrics;
    metrics.sockets.inc({ kind: kindOf(visitor) });
    gate.enter(visitor);
    room.enter();
    new AnsweredEvents<ChatEvent>({
      socket,
      limits: EVENTS,
      maxRefused: MAX_REFUSED,
      handlers: CHAT_HANDLERS,
      handle: async (event, payload) => {
        const handle = CHAT_HANDLERS[event] as (session: ChatSession, payload: unknown) => Promise<unknown>;
        return handle(this, ChatPayloads[event].parse(payload));
      },
      count: (event, outcome) => metrics.events.inc({ event, outcome }),
      logger,
    });
    socket.once('disconnect', () => this.#onDisconnect());
  }

  get visitor(): ChatVisitor {
    return this.#visitor;
  }

  named(visitor: ChatVisitor): void {
    if (this.#socket.disconnected) return;
    this.#metrics.sockets.dec({ kind: kindOf(this.#visitor) });
    this.#visitor = visitor;
    this.#metrics.sockets.inc({ kind: kindOf(visitor) });
  }

  /** Once, when what is sent to the room reaches the socket already. Never rejects: the store does not. */
  async greet(): Promise<void> {
    const { self, from, trusted } = this.#visitor;
    const log = await this.room.read();
    if (log.guarded && !trusted) {
      this.#socket.disconnect(true);
      return;
    }
    this.#socket.emit('hello', {
      self,
      guests: this.gate.guests,
      messages: log.messages.map(withoutAddress),
      slowSeconds: log.slowSeconds,
      outUntil: self ? outUntil(log, self.person, self.role === 'guest' ? from : '') : 0,
      people: this.room.people,
      serverTime: Date.now(),
    });
  }

  #onDisconnect(): void {
    this.#metrics.sockets.dec({ kind: kindOf(this.#visitor) });
    this.gate.leave(this.#visitor);
    this.room.leave();
  }
}

const kindOf = ({ self }: ChatVisitor): 'member' | 'guest' | 'reader' =>
  self === null ? 'reader' : self.role === 'guest' ? 'guest' : 'member';

const withoutAddress = ({ from: _from, ...message }: StoredMessage) => message;

const outUntil = ({ out }: ChatLog, ...who: string[]): number => Math.max(0, ...who.map((key) => out.get(key) ?? 0));
