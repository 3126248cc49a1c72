import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import { checkAssets } from '../../src/assets/sceneAssets.ts';
import type { BroadcastService } from '../../src/broadcast/BroadcastService.ts';
import { AppError } from '../../src/contracts/errors.ts';
import { JoinClaims } from '../../src/contracts/tokens.ts';
import type { RoomLimits } from '../../src/rooms/limits.ts';
import { RoomRegistry } from '../../src/rooms/RoomRegistry.ts';
import type { ScheduleService } from '../../src/schedule/ScheduleService.ts';
import { WorkerPool } from '../../src/sfu/WorkerPool.ts';
import { SignalingServer } from '../../src/signaling/SignalingServer.ts';
import { SignalingClient } from './SignalingClient.ts';
import { roomMetrics, sfuMetrics, signalingMetrics } from './sfuMetrics.ts';

export interface StackOptions {
  workers?: number;
  limits?: Partial<RoomLimits>;
  isLive?: (room: string) => boolean;
  checkRequest?: (request: IncomingMessage) => void;
  /** Replaces what takes a test's tokens apart (`tokenFor`). */
  verifyJoin?: (token: unknown) => Promise<JoinClaims>;
}

/** A token of the tests: its claims in clear. The real ones are tested with src/tokens. */
export const tokenFor = (claims: Partial<JoinClaims> & { sub: string }): string =>
  JSON.stringify({ aud: 'join', room: 'demo', role: 'host', ...claims });

async function verifyTestToken(token: unknown): Promise<JoinClaims> {
  try {
    return JoinClaims.parse(JSON.parse(String(token)));
  } catch (error) {
    throw new AppError('unauthorized', 'The token is not one of this server.', { cause: error });
  }
}

/** Records what it is asked; nothing is ever live. */
export class FakeBroadcasts implements BroadcastService {
  readonly calls: unknown[][] = [];
  async start(...args: Parameters<BroadcastService['start']>): Promise<never> {
    this.calls.push(['start', args[0].id, args[1]]);
    throw new AppError('no-capacity');
  }
  async stop(...args: Parameters<BroadcastService['stop']>): Promise<never> {
    this.calls.push(['stop', ...args]);
    throw new AppError('no-broadcast');
  }
  status(): null {
    return null;
  }
  async settled(): Promise<void> {}
  async addDestination(): Promise<never> {
    throw new AppError('no-broadcast');
  }
  async removeDestination(): Promise<never> {
    throw new AppError('no-broadcast');
  }
  async record(): Promise<never> {
    throw new AppError('no-broadcast');
  }
  caption(): never {
    throw new AppError('no-broadcast');
  }
  async handOver(): Promise<never> {
    throw new AppError('no-broadcast');
  }
  async applyScene(): Promise<null> {
    return null;
  }
}

/** Nothing is ever scheduled. */
export class FakeSchedules implements ScheduleService {
  get(): null {
    return null;
  }
  async set(): Promise<never> {
    throw new AppError('bad-request');
  }
  async cancel(): Promise<never> {
    throw new AppError('not-found');
  }
  async back(): Promise<never> {
    throw new AppError('not-found');
  }
  async start(): Promise<never> {
    throw new AppError('not-found');
  }
}

/** Real workers, rooms and signalling on an ephemeral port; only tokens and broadcasts are stood in for. */
export class SignalingStack {
  readonly metrics = { sfu: sfuMetrics(), rooms: roomMetrics(), signaling: signalingMetrics() };
  readonly broadcasts = new FakeBroadcasts();
  readonly schedules = new FakeSchedules();
  /** All that was logged, at every level. */
  readonly log: string[] = [];
  readonly logger: Logger;
  readonly #http: Server = createServer((_, response) => {
    // A page for browser tests, which need an origin of their own.
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>test</title>');
  });
  readonly #clients = new Set<SignalingClient>();
  pool!: WorkerPool;
  registry!: RoomRegistry;
  signaling!: SignalingServer;

  private constructor() {
    const stream = new Writable({
      write: (chunk: Buffer, _, done) => {
        this.log.push(chunk.toString());
        done();
      },
    });
    this.logger = pino({ level: 'trace' }, stream);
  }

  static async create(options: StackOptions = {}): Promise<SignalingStack> {
    const stack = new SignalingStack();
    const { logger } = stack;
    stack.pool = await WorkerPool.create({
      workers: options.workers ?? 1,
      listenIp: '127.0.0.1',
      basePort: 0,
      logger,
      metrics: stack.metrics.sfu,
    });
    stack.registry = await RoomRegistry.create({
      pool: stack.pool,
      ...(options.limits ? { limits: options.limits } : {}),
      iceServers: [],
      isLive: options.isLive ?? (() => false),
      logger,
      metrics: stack.metrics.rooms,
    });
    stack.signaling = await SignalingServer.create({
      httpServer: stack.#http,
      registry: stack.registry,
      verifyJoin: options.verifyJoin ?? verifyTestToken,
      checkRequest: options.checkRequest ?? (() => {}),
      broadcasts: stack.broadcasts,
      schedules: stack.schedules,
      checkScene: (scene) => checkAssets(scene, () => undefined),
      logger,
      metrics: stack.metrics.signaling,
    });
    await new Promise<void>((resolve) => stack.#http.listen(0, '127.0.0.1', resolve));
    return stack;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** Connected, not joined. */
  async client(
    token: unknown,
    options: { protocol?: number; headers?: Record<string, string> } = {},
  ): Promise<SignalingClient> {
    const client = await SignalingClient.connect(this.url, { token, ...options });
    this.#clients.add(client);
    return client;
  }

  /** Connected and joined. */
  async join(
    claims: Partial<JoinClaims> & { sub: string },
    wishes: { name?: string; resume?: string } = {},
  ): Promise<SignalingClient> {
    const client = await this.client(tokenFor(claims));
    await client.join(wishes);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.signaling.close();
    await this.registry.closeAll('shutting-down');
    await this.pool.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}
