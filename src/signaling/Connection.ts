import type { Socket } from 'socket.io';
import type { BroadcastService } from '../broadcast/BroadcastService.ts';
import type { Logger } from '../common/logger.ts';
import { AppError, ERRORS, type ErrorCode } from '../contracts/errors.ts';
import type { Scene } from '../contracts/scene.ts';
import {
  type Ack,
  type ClientEvent,
  ClientPayloads,
  type LeaveReason,
  type NewConsumer,
  type ServerToClient,
} from '../contracts/signaling.ts';
import type { JoinClaims } from '../contracts/tokens.ts';
import type { CloseReason, PeerLink, ToldEvent } from '../rooms/PeerLink.ts';
import type { RoomRegistry } from '../rooms/RoomRegistry.ts';
import { isOurFault, toAnswer, toAppError } from './answers.ts';
import { HANDLERS, handle, type Session } from './handlers.ts';
import type { SignalingMetrics } from './metrics.ts';
import { TokenBucket } from './TokenBucket.ts';

/** How long a client may take to build a consumer, ms. */
const CONSUMER_ACK_LIMIT_MS = 10_000;
/** A busy page (16 tiles that are being resized) sends some tens of events a second. */
const EVENTS_PER_SECOND = 50;
const EVENTS_BURST = 200;
/** One picture of itself a second, and some that were held up on the way. */
const PREVIEWS_PER_SECOND = 1;
const PREVIEWS_BURST = 3;
/** Who goes on after so many refusals is not a page of ours. */
const MAX_REFUSED = 1_000;

const LEAVE_CODES = {
  'joined-elsewhere': 'joined-elsewhere',
  'room-closed': 'room-closed',
  removed: 'removed',
  'shutting-down': 'shutting-down',
} as const satisfies Record<LeaveReason, ErrorCode>;

type Answer = (answer: Ack<unknown>) => void;

export interface ConnectionOptions {
  socket: Socket;
  claims: JoinClaims;
  registry: RoomRegistry;
  broadcasts: BroadcastService;
  checkScene: (scene: Scene) => void | Promise<void>;
  logger: Logger;
  metrics: SignalingMetrics;
}

/**
 * One socket: parses, limits and dispatches what the client sends, and is the room's way to it. In: socket.io events.
 * Next: handlers.ts. It ends with its socket; the peer is then the room's to keep or to let go.
 */
export class Connection implements PeerLink, Session {
  readonly claims: JoinClaims;
  readonly registry: RoomRegistry;
  readonly broadcasts: BroadcastService;
  readonly checkScene: (scene: Scene) => void | Promise<void>;
  readonly #socket: Socket;
  readonly #logger: Logger;
  readonly #metrics: SignalingMetrics;
  readonly #bucket = new TokenBucket({ perSecond: EVENTS_PER_SECOND, burst: EVENTS_BURST });
  readonly previews = new TokenBucket({ perSecond: PREVIEWS_PER_SECOND, burst: PREVIEWS_BURST });
  #refused = 0;
  /** Events run one after the other: two that build the same thing would race. */
  #queue: Promise<void> = Promise.resolve();
  #closed = false;
  readonly #ended = Promise.withResolvers<void>();
  place: Session['place'];

  constructor({ socket, claims, registry, broadcasts, checkScene, logger, metrics }: ConnectionOptions) {
    this.claims = claims;
    this.registry = registry;
    this.broadcasts = broadcasts;
    this.checkScene = checkScene;
    this.#socket = socket;
    this.#logger = logger;
    this.#metrics = metrics;
    metrics.sockets.inc();
    socket.onAny((event: unknown, ...args: unknown[]) => this.#onEvent(event, args));
    socket.once('disconnect', () => this.#onDisconnect());
  }

  get link(): PeerLink {
    return this;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when the socket is gone. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  #onEvent(event: unknown, args: unknown[]): void {
    const ack = args.at(-1);
    // Nobody can be answered: whatever it is, it is not a page of ours.
    if (typeof ack !== 'function') return;
    const known = typeof event === 'string' && Object.hasOwn(HANDLERS, event) ? (event as ClientEvent) : undefined;
    const answer: Answer = (result) => {
      const outcome = result.ok ? 'ok' : result.error.code;
      this.#metrics.events.inc({ event: known ?? 'unknown', outcome });
      (ack as Answer)(result);
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
    const run = (): Promise<void> => this.#run(known, payload, answer);
    if (HANDLERS[known].besides) void run();
    else this.#queue = this.#queue.then(run);
  }

  /** Never rejects. */
  async #run(event: ClientEvent, payload: unknown, answer: Answer): Promise<void> {
    if (this.#closed) return;
    try {
      const data = await handle(event, this, ClientPayloads[event].parse(payload) as never);
      answer({ ok: true, data });
    } catch (err) {
      const error = toAppError(err);
      if (isOurFault(error)) this.#logger.error({ event, err }, 'a client event failed');
      else this.#logger.debug({ event, code: error.code, err }, 'a client event was refused');
      answer(toAnswer(error));
    }
  }

  #onDisconnect(): void {
    this.#closed = true;
    this.#metrics.sockets.dec();
    const { place } = this;
    this.place = undefined;
    place?.room.drop(place.peer, this);
    this.#ended.resolve();
  }

  tell<E extends ToldEvent>(event: E, ...args: Parameters<ServerToClient[E]>): void {
    if (!this.#closed) this.#socket.emit(event, ...args);
  }

  show<E extends ToldEvent>(event: E, ...args: Parameters<ServerToClient[E]>): void {
    if (!this.#closed) this.#socket.volatile.emit(event, ...args);
  }

  offerConsumer(consumer: NewConsumer): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (built: boolean): void => {
        clearTimeout(timer);
        this.#socket.off('disconnect', onDisconnect);
        resolve(built);
      };
      const onDisconnect = (): void => end(false);
      const timer = setTimeout(() => end(false), CONSUMER_ACK_LIMIT_MS);
      this.#socket.once('disconnect', onDisconnect);
      this.#socket.emit('consumer:new', consumer, (built: unknown) => end(built === true));
    });
  }

  dismiss(reason: CloseReason, words?: string): void {
    if (this.#closed) return;
    this.place = undefined;
    if (reason === 'moved') {
      this.#socket.emit('moved', {});
      // Not socket.io's own disconnect: after that a client does not come back by itself. What was sent goes out before.
      this.#socket.conn.close();
      return;
    }
    const { help } = ERRORS[LEAVE_CODES[reason]];
    this.#socket.emit('left', { reason, message: help, ...(words ? { words } : {}) });
    this.#socket.disconnect(true);
  }
}
