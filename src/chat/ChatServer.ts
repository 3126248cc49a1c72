/**
 * The chat of every room, on every SFU node: socket.io namespace `/chat` (contracts/chat.ts). In: connections. Who comes in is ChatGate.ts's
 * to say; then each socket is a ChatConnection.ts, and each room that has one a ChatRoom.ts. What goes to a room reaches all nodes by the
 * adapter (ChatRedis.ts), what it remembers is in the store (ChatStore.ts).
 */
import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Namespace } from 'socket.io';
import type { Logger } from '../common/logger.ts';
import type { BroadcastStatus } from '../contracts/broadcast.ts';
import type { ChatToClient, ChatToServer } from '../contracts/chat.ts';
import { AppError } from '../contracts/errors.ts';
import { isOurFault, toAppError } from '../signaling/answers.ts';
import { ChatConnection, type ChatSocket } from './ChatConnection.ts';
import type { ChatGate, ChatVisitor } from './ChatGate.ts';
import { ChatRoom } from './ChatRoom.ts';
import type { ChatStore } from './ChatStore.ts';
import type { ChatMetrics } from './metrics.ts';

/** How often nodes say how many people they have, ms. */
const PEOPLE_EVERY_MS = 2_000;
/** So many connections a node takes; 2,000 are what it is made for. */
const MAX_SOCKETS = 5_000;
/** Whether a room is guarded is told again after this, ms: it is not to be forgotten while it is live. */
const GUARD_AGAIN_MS = 10 * 60_000;

/** Rooms of socket.io: everybody in a room's chat, and those who may not read once it is guarded. */
const everybodyIn = (room: string): string => `in ${room}`;
const anonymousIn = (room: string): string => `anonymous in ${room}`;

export interface ChatServerOptions {
  namespace: Namespace<ChatToServer, ChatToClient>;
  store: ChatStore;
  gate: ChatGate;
  addressOf: (request: IncomingMessage) => string;
  logger: Logger;
  metrics: ChatMetrics;
}

export class ChatServer {
  readonly #options: ChatServerOptions;
  readonly #rooms = new Map<string, ChatRoom>();
  readonly #guarded = new LRUCache<string, boolean>({ max: 10_000, ttl: GUARD_AGAIN_MS });
  readonly #counting: NodeJS.Timeout;
  #closed = false;

  constructor(options: ChatServerOptions) {
    this.#options = { ...options, logger: options.logger.child({ part: 'chat' }) };
    const { namespace } = options;
    namespace.use((socket, next) => {
      this.#admit(socket).then(
        () => next(),
        (err: unknown) => next(this.#refusal(err)),
      );
    });
    namespace.on('connection', (socket) => this.#onConnection(socket));
    this.#counting = setInterval(() => this.#count(), PEOPLE_EVERY_MS).unref();
  }

  /** A broadcast that only invited people may watch has a chat that only they may read. */
  broadcastStatus(room: string, { playback }: Pick<BroadcastStatus, 'playback'>): void {
    const guarded = playback === 'token';
    if (this.#closed || this.#guarded.get(room) === guarded) return;
    this.#guarded.set(room, guarded);
    void this.#options.store.setGuarded(room, guarded);
    if (guarded) this.#options.namespace.in(anonymousIn(room)).disconnectSockets(true);
  }

  async #admit(socket: ChatSocket): Promise<void> {
    const { namespace, gate, addressOf } = this.#options;
    if (this.#closed) throw new AppError('shutting-down');
    if (namespace.sockets.size >= MAX_SOCKETS) throw new AppError('too-many', 'The chat is full.');
    const visitor = await gate.admit(socket.handshake.auth, addressOf(socket.request));
    if (!visitor.trusted && (await this.#roomOf(visitor.room).read()).guarded)
      throw new AppError('unauthorized', 'Only who was invited may read this chat.');
    socket.data.visitor = visitor;
  }

  #refusal(err: unknown): Error {
    const error = toAppError(err);
    if (isOurFault(error)) this.#options.logger.error({ err }, 'a chat connection could not be admitted');
    this.#options.metrics.refused.inc({ code: error.code });
    return Object.assign(new Error(error.message), { data: error.toJSON() });
  }

  #onConnection(socket: ChatSocket): void {
    const { store, gate, logger, metrics } = this.#options;
    const visitor = socket.data.visitor as ChatVisitor;
    const room = this.#roomOf(visitor.room);
    void socket.join(visitor.trusted ? everybodyIn(room.name) : [everybodyIn(room.name), anonymousIn(room.name)]);
    const connection = new ChatConnection({ socket, visitor, room, store, gate, logger, metrics });
    if (this.#closed) socket.disconnect(true);
    else void connection.greet();
  }

  #roomOf(name: string): ChatRoom {
    const known = this.#rooms.get(name);
    if (known) return known;
    const { namespace, store, gate, metrics } = this.#options;
    const target = everybodyIn(name);
    const room = new ChatRoom({
      name,
      emit: (event, ...args) => void namespace.to(target).emit(event, ...args),
      emitHere: (event, ...args) => void namespace.local.to(target).emit(event, ...args),
      store,
      bucket: gate.limits.bucket('room'),
      metrics,
    });
    this.#rooms.set(name, room);
    return room;
  }

  /** A room that is empty here is counted once more, as empty, and forgotten. */
  #count(): void {
    for (const [name, room] of this.#rooms) {
      void room.count();
      if (room.here === 0) this.#rooms.delete(name);
    }
  }

  /** Sends what waits, and lets nobody in any more. The connections are closed with their HTTP server's. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#counting);
    for (const room of this.#rooms.values()) room.flush();
    this.#options.namespace.local.disconnectSockets(true);
    await this.#options.namespace.adapter.close();
    await this.#options.store.close();
  }
}
