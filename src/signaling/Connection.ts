import type { Socket } from 'socket.io';
import type { BroadcastService } from '../broadcast/BroadcastService.ts';
import type { Logger } from '../common/logger.ts';
import { ERRORS, type ErrorCode } from '../contracts/errors.ts';
import type { Scene } from '../contracts/scene.ts';
import {
  type ClientEvent,
  ClientPayloads,
  type LeaveReason,
  type NewConsumer,
  type ServerToClient,
} from '../contracts/signaling.ts';
import type { JoinClaims } from '../contracts/tokens.ts';
import type { CloseReason, PeerLink, ToldEvent } from '../rooms/PeerLink.ts';
import type { RoomRegistry } from '../rooms/RoomRegistry.ts';
import type { ScheduleService } from '../schedule/ScheduleService.ts';
import { AnsweredEvents } from './AnsweredEvents.ts';
import { HANDLERS, handle, type Session } from './handlers.ts';
import type { SignalingMetrics } from './metrics.ts';
import { TokenBucket } from './TokenBucket.ts';

/** How long a client may take to build a consumer, ms. */
const CONSUMER_ACK_LIMIT_MS = 10_000;
/** A busy page (16 tiles that are being resized) sends some tens of events a second. */
const EVENTS = { perSecond: 50, burst: 200 };
/** One picture of itself a second, and some that were held up on the way. */
const PREVIEWS_PER_SECOND = 1;
const PREVIEWS_BURST = 3;
/** Network tests: a few by somebody who changes cables, then four a minute. */
const NETWORK_TESTS = { perSecond: 1 / 15, burst: 4 };
/** Who goes on after so many refusals is not a page of ours. */
const MAX_REFUSED = 1_000;

const LEAVE_CODES = {
  'joined-elsewhere': 'joined-elsewhere',
  'room-closed': 'room-closed',
  removed: 'removed',
  'shutting-down': 'shutting-down',
} as const satisfies Record<LeaveReason, ErrorCode>;

export interface ConnectionOptions {
  socket: Socket;
  claims: JoinClaims;
  registry: RoomRegistry;
  broadcasts: BroadcastService;
  schedules: ScheduleService;
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
  readonly schedules: ScheduleService;
  readonly checkScene: (scene: Scene) => void | Promise<void>;
  readonly #socket: Socket;
  readonly #metrics: SignalingMetrics;
  readonly previews = new TokenBucket({ perSecond: PREVIEWS_PER_SECOND, burst: PREVIEWS_BURST });
  readonly networkTests = new TokenBucket(NETWORK_TESTS);
  networkTest: Session['networkTest'];
  #closed = false;
  readonly #ended = Promise.withResolvers<void>();
  place: Session['place'];

  constructor({ socket, claims, registry, broadcasts, schedules, checkScene, logger, metrics }: ConnectionOptions) {
    this.claims = claims;
    this.registry = registry;
    this.broadcasts = broadcasts;
    this.schedules = schedules;
    this.checkScene = checkScene;
    this.#socket = socket;
    this.#metrics = metrics;
    metrics.sockets.inc();
    new AnsweredEvents<ClientEvent>({
      socket,
      limits: EVENTS,
      maxRefused: MAX_REFUSED,
      handlers: HANDLERS,
      besides: (event) => HANDLERS[event].besides === true,
      handle: async (event, payload) => handle(event, this, ClientPayloads[event].parse(payload) as never),
      count: (event, outcome) => metrics.events.inc({ event, outcome }),
      logger,
    });
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

  #onDisconnect(): void {
    this.#closed = true;
    this.#metrics.sockets.dec();
    const { place } = this;
    this.place = undefined;
    place?.room.drop(place.peer, this);
    this.networkTest?.close();
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
