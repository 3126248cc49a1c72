import type { Socket } from 'socket.io';
import type { Logger } from '../common/logger.ts';
import { type ChatEvent, ChatPayloads, type ChatToClient, type ChatToServer } from '../contracts/chat.ts';
import { AppError } from '../contracts/errors.ts';
import type { Ack } from '../contracts/signaling.ts';
import { isOurFault, toAnswer, toAppError } from '../signaling/answers.ts';
import { TokenBucket } from '../signaling/TokenBucket.ts';
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
  readonly #logger: Logger;
  readonly #metrics: ChatMetrics;
  readonly #bucket = new TokenBucket(EVENTS);
  #visitor: ChatVisitor;
  #refused = 0;
  /** One after the other: two messages of one person keep their order. */
  #queue: Promise<void> = Promise.resolve();

  constructor({ socket, visitor, room, store, gate, logger, metrics }: ChatConnectionOptions) {
    this.room = room;
    this.store = store;
    this.gate = gate;
    this.reactions = gate.limits.bucket('reactions');
    this.#socket = socket;
    this.#visitor = visitor;
    this.#logger = logger;
    this.#metrics = metrics;
    metrics.sockets.inc({ kind: kindOf(visitor) });
    gate.enter(visitor);
    room.enter();
    socket.onAny((event: unknown, ...args: unknown[]) => this.#onEvent(event, args));
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

  #onEvent(event: unknown, args: unknown[]): void {
    const ack = args.at(-1);
    if (typeof ack !== 'function') return;
    const known = typeof event === 'string' && Object.hasOwn(CHAT_HANDLERS, event) ? (event as ChatEvent) : undefined;
    const answer = (result: Ack<unknown>): void => {
      this.#metrics.events.inc({ event: known ?? 'unknown', outcome: result.ok ? 'ok' : result.error.code });
      (ack as (result: Ack<unknown>) => void)(result);
    };
    if (!this.#bucket.take()) {
      answer(toAnswer(new AppError('too-many')));
      if (++this.#refused > MAX_REFUSED) this.#socket.disconnect(true);
      return;
    }
    if (!known) {
      answer(toAnswer(new AppError('bad-request', 'There is no such event.')));
      return;
    }
    const payload = args.length > 1 ? args[0] : {};
    this.#queue = this.#queue.then(() => this.#run(known, payload, answer));
  }

  /** Never rejects. */
  async #run(event: ChatEvent, payload: unknown, answer: (result: Ack<unknown>) => void): Promise<void> {
    if (this.#socket.disconnected) return;
    try {
      const handle = CHAT_HANDLERS[event] as (session: ChatSession, payload: unknown) => Promise<unknown>;
      answer({ ok: true, data: await handle(this, ChatPayloads[event].parse(payload)) });
    } catch (err) {
      const error = toAppError(err);
      if (isOurFault(error)) this.#logger.error({ event, err }, 'a chat event failed');
      answer(toAnswer(error));
    }
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
