/**
 * socket.io on the public port: WebSocket only, path /socket.io, auth `{token, protocol}`. In: connections. Who may speak
 * at all is `checkRequest`'s to say, who one is the token's; then each socket is a Connection (next: Connection.ts).
 */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type Namespace, Server, type Socket } from 'socket.io';
import { Adapter } from 'socket.io-adapter';
import { z } from 'zod';
import type { BroadcastService } from '../broadcast/BroadcastService.ts';
import type { Logger } from '../common/logger.ts';
import { AppError } from '../contracts/errors.ts';
import { OLDEST_PROTOCOL, PROTOCOL, Protocol } from '../contracts/ids.ts';
import type { Scene } from '../contracts/scene.ts';
import type { JoinClaims } from '../contracts/tokens.ts';
import type { UpgradeHandler } from '../http/listening.ts';
import type { RoomRegistry } from '../rooms/RoomRegistry.ts';
import type { ScheduleService } from '../schedule/ScheduleService.ts';
import { isOurFault, toAppError } from './answers.ts';
import { Connection } from './Connection.ts';
import type { SignalingMetrics } from './metrics.ts';

/** The largest honest message, RTP capabilities of a browser, is about 20 kB. A larger one ends its sender's socket. */
const MAX_MESSAGE_BYTES = 256 * 1024;
/** A dead connection is noticed after at most the sum of both, ms; then the seat's 30 s begin. */
const PING_INTERVAL_MS = 10_000;
const PING_TIMEOUT_MS = 10_000;
/** A WebSocket that sends no socket.io CONNECT is closed, ms. */
const CONNECT_LIMIT_MS = 10_000;
/** Who does not take the word that the room moves is cut off after this, ms. */
const MOVE_LIMIT_MS = 1_000;

export interface SignalingServerOptions {
  httpServer: HttpServer | HttpsServer;
  registry: RoomRegistry;
  /** Throws AppError. */
  verifyJoin: (token: unknown) => Promise<JoinClaims>;
  /** Guards Host and Origin; throws AppError. */
  checkRequest: (request: IncomingMessage) => void;
  /** Says whose an upgrade is; calls `here` when it is ours. Left out: all are. */
  route?: (request: IncomingMessage, socket: Duplex, head: Buffer, here: () => void) => void;
  /** Throws AppError `wrong-node` when the room of somebody who was let in is at home elsewhere. */
  claim?: (room: string) => Promise<void>;
  broadcasts: BroadcastService;
  schedules: ScheduleService;
  /** Throws AppError `bad-request` when a scene names an image or sound that there is not. */
  checkScene: (scene: Scene) => void | Promise<void>;
  logger: Logger;
  metrics: SignalingMetrics;
}

const Auth = z.object({ token: z.unknown().optional(), protocol: Protocol.default(PROTOCOL) });

type AdapterOf = (namespace: Namespace) => Adapter;

export class SignalingServer {
  readonly #io: Server;
  readonly #adapters = new Map<string, AdapterOf>();
  readonly #options: SignalingServerOptions;
  readonly #logger: Logger;
  readonly #connections = new Set<Connection>();
  #closing: Promise<void> | undefined;
  #reason: 'shutting-down' | 'moved' = 'shutting-down';
  /** An upgrade that came in at another port. Set when it is attached. */
  accept: UpgradeHandler = (_request, socket) => socket.destroy();

  private constructor(options: SignalingServerOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ part: 'signaling' });
    const adapters = this.#adapters;
    this.#io = new Server({
      // Called with `new`, so it is no arrow function.
      adapter: function adapterOf(namespace: Namespace): Adapter {
        return adapters.get(namespace.name)?.(namespace) ?? new Adapter(namespace);
      } as AdapterOf,
      path: '/socket.io',
      transports: ['websocket'],
      serveClient: false,
      maxHttpBufferSize: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: PING_TIMEOUT_MS,
      connectTimeout: CONNECT_LIMIT_MS,
      allowRequest: (request, decide) => this.#allow(request, decide),
    });
  }

  static async create(options: SignalingServerOptions): Promise<SignalingServer> {
    const server = new SignalingServer(options);
    server.#io.use((socket, next) => {
      server.#admit(socket).then(
        () => next(),
        (err: unknown) => next(server.#refusal(err)),
      );
    });
    server.#io.on('connection', (socket) => server.#onConnection(socket));
    server.#attach(options.httpServer as HttpServer);
    return server;
  }

  /**
   * Another namespace, on the same connections as signalling. `adapter`: joins it with those of other nodes; signalling itself is never
   * joined: its rooms are each at home on one node.
   */
  namespace(name: string, adapter?: AdapterOf): Namespace {
    if (adapter) this.#adapters.set(name, adapter);
    return this.#io.of(name);
  }

  /** As socket.io attaches itself, but for upgrades: those are ours only when `route` says so. */
  #attach(httpServer: HttpServer): void {
    const before = httpServer.listeners('upgrade');
    this.#io.attach(httpServer);
    const own = httpServer.listeners('upgrade').filter((listener) => !before.includes(listener)) as UpgradeHandler[];
    for (const listener of own) httpServer.off('upgrade', listener);
    this.accept = (request, socket, head) => {
      for (const listener of own) listener(request, socket, head);
    };
    const { route } = this.#options;
    httpServer.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const here = () => this.accept(request, socket, head);
      if (route) route(request, socket, head, here);
      else here();
    });
  }

  #allow(request: IncomingMessage, decide: (message: string | null, allowed: boolean) => void): void {
    try {
      if (this.#closing) throw new AppError('shutting-down');
      this.#options.checkRequest(request);
      decide(null, true);
    } catch (error) {
      const { code, message } = toAppError(error);
      this.#options.metrics.refused.inc({ code });
      decide(message, false);
    }
  }

  /** Throws AppError; afterwards `socket.data.claims` is who it is. */
  async #admit(socket: Socket): Promise<void> {
    if (this.#closing) throw new AppError('shutting-down');
    const auth = Auth.safeParse(socket.handshake.auth);
    if (!auth.success)
      throw new AppError(
        'bad-request',
        `This server speaks protocol ${OLDEST_PROTOCOL} to ${PROTOCOL}; reload the page.`,
      );
    const claims = await this.#options.verifyJoin(auth.data.token);
    await this.#options.claim?.(claims.room);
    this.#options.registry.admit(claims);
    socket.data.claims = claims;
  }

  /** In the form that socket.io gives to the client as `connect_error`. */
  #refusal(err: unknown): Error {
    const error = toAppError(err);
    if (isOurFault(error)) this.#logger.error({ err }, 'a connection could not be admitted');
    this.#options.metrics.refused.inc({ code: error.code });
    return Object.assign(new Error(error.message), { data: error.toJSON() });
  }

  #onConnection(socket: Socket): void {
    const { registry, broadcasts, schedules, checkScene, metrics } = this.#options;
    const claims = socket.data.claims as JoinClaims;
    const logger = this.#logger.child({ socket: socket.id, room: claims.room });
    const connection = new Connection({
      ...{ socket, claims, registry, broadcasts, schedules, checkScene, logger, metrics },
    });
    this.#connections.add(connection);
    socket.once('disconnect', () => this.#connections.delete(connection));
    // It may have been admitted just before the server began to close.
    if (this.#closing) connection.dismiss(this.#reason);
  }

  /** As `close`, but everybody is told to come again at once, by another node. */
  move(): Promise<void> {
    this.#reason = 'moved';
    this.#closing ??= this.#close('moved');
    return this.#closing;
  }

  /** Everybody is told why and disconnected; nobody is let in any more. The HTTP server is its owner's to close. */
  close(): Promise<void> {
    this.#closing ??= this.#close('shutting-down');
    return this.#closing;
  }

  async #close(reason: 'shutting-down' | 'moved'): Promise<void> {
    for (const connection of this.#connections) connection.dismiss(reason);
    // Who was told to move has a connection that is closing by itself: what was sent is to arrive.
    if (reason === 'moved') await Promise.race([this.#drained(), delay(MOVE_LIMIT_MS, undefined, { ref: false })]);
    this.#io.disconnectSockets(true);
    this.#io.engine.close();
  }

  async #drained(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.ended));
  }
}
