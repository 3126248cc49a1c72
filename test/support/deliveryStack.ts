/** A delivery node on real ports, with a controller and compositors that a test drives. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { WebSocket } from 'ws';
import { monotonicClock } from '../../src/common/clock.ts';
import { newId } from '../../src/common/ids.ts';
import { createLogger, type Logger } from '../../src/common/logger.ts';
import type { DeliveryOrder, DeliveryReport } from '../../src/contracts/deliveryControl.ts';
import { AppError } from '../../src/contracts/errors.ts';
import { partStartMs, segmentSeconds } from '../../src/contracts/grid.ts';
import { DEFAULT_TENANT } from '../../src/contracts/ids.ts';
import { COMPOSITOR_HEADER, FENCE_HEADER } from '../../src/contracts/program.ts';
import { Delivery, type DeliveryOptions } from '../../src/delivery/Delivery.ts';
import { destinationPolicy } from '../../src/delivery/destinationPolicy.ts';
import { createHttp } from '../../src/http/createHttp.ts';
import { createMetrics, type Metrics } from '../../src/metrics.ts';
import { Tokens } from '../../src/tokens/Tokens.ts';
import { AUDIO, GRID, ProgramRun, RENDITIONS, type TestClip, VIDEO } from './programParts.ts';

/** Of a server without a secret. */
const tokens = Tokens.create([]);
/** A playback token that the stack takes. */
export const playToken = (room: string, seconds = 60, viewer = 'viewer'): Promise<string> =>
  tokens.sign({ aud: 'play', sub: viewer, room }, seconds);

export const SERVICE_TOKEN = 'service-token-of-the-test';

export class DeliveryStack {
  readonly delivery: Delivery;
  readonly dataDir: string;
  /** Every log line, as it was written. */
  readonly log: string[];
  readonly #metrics: Metrics;
  readonly #internal: FastifyInstance;
  readonly #public: FastifyInstance;

  private constructor(
    delivery: Delivery,
    dataDir: string,
    log: string[],
    metrics: Metrics,
    servers: [FastifyInstance, FastifyInstance],
  ) {
    this.delivery = delivery;
    this.#metrics = metrics;
    this.dataDir = dataDir;
    this.log = log;
    [this.#internal, this.#public] = servers;
  }

  static async start(options: Partial<DeliveryOptions> = {}): Promise<DeliveryStack> {
    const dataDir = await mkdtemp(join(tmpdir(), 'lianmai-delivery-'));
    const log: string[] = [];
    const logger = capturingLogger(log);
    const metrics = createMetrics();
    const delivery = await Delivery.create({
      verifyService: async (token) => {
        if (token !== SERVICE_TOKEN) throw new AppError('unauthorized');
      },
      verifyPlay: async (token) => {
        const { claims, expiresAt } = await tokens.verifyPlay(token);
        return { room: claims.room, expiresAt };
      },
      ffmpegPath: 'ffmpeg',
      dataDir,
      destinationPolicy: destinationPolicy({ allowPrivate: true }),
      clock: monotonicClock,
      logger,
      metrics: metrics.delivery,
      ...options,
    });
    const internal = createHttp({ logger });
    const open = createHttp({ logger });
    delivery.registerIntake(internal);
    delivery.registerPlayback(internal, { nodesOnly: true });
    delivery.registerPlayback(open);
    await open.ready();
    delivery.openFastLane(open.server, () => {});
    for (const server of [internal, open]) await server.listen({ host: '127.0.0.1', port: 0 });
    internal.server.on('upgrade', (request, socket, head) => delivery.handleUpgrade(request, socket, head));
    return new DeliveryStack(delivery, dataDir, log, metrics, [internal, open]);
  }

  /** Of the public port. */
  get url(): string {
    return `http://127.0.0.1:${(this.#public.server.address() as AddressInfo).port}`;
  }

  /** Requests that are held now. */
  async waiting(): Promise<number | undefined> {
    const { values } = await this.#metrics.delivery.hlsWaiting.get();
    return values[0]?.value;
  }

  /** Playback requests that were answered. */
  async requests(): Promise<number> {
    const { values } = await this.#metrics.delivery.hlsRequests.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  }

  get internalUrl(): string {
    return `http://127.0.0.1:${(this.#internal.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    await this.delivery.close();
    await this.#public.close();
    await this.#internal.close();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

function capturingLogger(lines: string[]): Logger {
  const logger = createLogger({ level: 'debug' });
  const stream = { write: (line: string) => lines.push(line) };
  // pino's own way to another stream is at creation; a test wants the same redaction, so it replaces the stream.
  const symbol = Object.getOwnPropertySymbols(logger).find((s) => s.description === 'pino.stream');
  if (symbol) (logger as unknown as Record<symbol, unknown>)[symbol] = stream;
  return logger;
}

type Report<T extends DeliveryReport['type']> = Extract<DeliveryReport, { type: T }>;

/** The controller's side of one broadcast: answers the clock, keeps every report. */
export class TestController {
  readonly broadcast = newId('b');
  readonly reports: DeliveryReport[] = [];
  readonly startMs: number;
  readonly epoch: number;
  readonly room: string;
  readonly #socket: WebSocket;
  readonly #listeners = new Set<() => void>();
  closed = false;
  /** False: delivery never knows the time, and so judges nothing by it. */
  answersClock = true;

  private constructor(socket: WebSocket, room: string, startMs: number, broadcast: string | undefined) {
    this.#socket = socket;
    this.room = room;
    this.startMs = startMs;
    this.epoch = Date.now() - (monotonicClock.now() - startMs);
    if (broadcast) this.broadcast = broadcast;
    socket.on('message', (data) => {
      const t1 = monotonicClock.now();
      const report = JSON.parse(String(data)) as DeliveryReport;
      if (report.type !== 'clock-ask') this.reports.push(report);
      else if (this.answersClock) this.send({ type: 'clock', t0: report.t0, t1, t2: monotonicClock.now() });
      for (const listener of this.#listeners) listener();
    });
    socket.on('close', () => {
      this.closed = true;
      for (const listener of this.#listeners) listener();
    });
  }

  static async open(
    stack: DeliveryStack,
    options: {
      room?: string;
      startMs?: number;
      broadcast?: string;
      answersClock?: boolean;
      order?: Partial<Extract<DeliveryOrder, { type: 'open' }>>;
    } = {},
  ): Promise<TestController> {
    const socket = await connectControl(stack, SERVICE_TOKEN);
    const controller = new TestController(
      socket,
      options.room ?? 'demo',
      options.startMs ?? monotonicClock.now(),
      options.broadcast,
    );
    controller.answersClock = options.answersClock ?? true;
    controller.send({
      type: 'open',
      protocol: 1,
      tenant: DEFAULT_TENANT,
      movedFrom: null,
      broadcast: controller.broadcast,
      room: controller.room,
      epoch: controller.epoch,
      startMs: controller.startMs,
      grid: GRID,
      renditions: RENDITIONS,
      dvrSeconds: 0,
      record: false,
      playback: 'open',
      transcode: [],
      destinations: [],
      captions: [],
      fence: 1,
      ...options.order,
    });
    return controller;
  }

  get programMs(): number {
    return monotonicClock.now() - this.startMs;
  }

  /** The first segment that begins in the future. */
  get nextSegment(): number {
    return Math.ceil(this.programMs / (segmentSeconds(GRID) * 1000));
  }

  send(order: DeliveryOrder): void {
    this.#socket.send(JSON.stringify(order));
  }

  of<T extends DeliveryReport['type']>(type: T): Report<T>[] {
    return this.reports.filter((r): r is Report<T> => r.type === type);
  }

  /** Resolves when a report matches, at once when one has already. */
  async waitFor<T extends DeliveryReport['type']>(
    type: T,
    matches: (report: Report<T>) => boolean = () => true,
    limitMs = 60_000,
  ): Promise<Report<T>> {
    let found: Report<T> | undefined;
    await this.until(() => {
      found = this.of(type).find(matches);
      return found !== undefined;
    }, limitMs);
    return found as Report<T>;
  }

  async until(done: () => boolean, limitMs = 60_000): Promise<void> {
    if (done()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(check);
        reject(new Error(`it did not come about; the reports were ${JSON.stringify(this.reports.slice(-20))}`));
      }, limitMs);
      const check = (): void => {
        const refused = this.of('refused')[0];
        if (!done() && !refused) return;
        clearTimeout(timer);
        this.#listeners.delete(check);
        if (done()) resolve();
        else reject(new Error(`refused: ${refused?.message}`));
      };
      this.#listeners.add(check);
    });
  }

  /** Resolves when delivery has read everything that was sent: it answers a ping after it. */
  async sync(): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#socket.once('pong', () => resolve()));
    this.#socket.ping();
    await answered;
  }

  drop(): void {
    this.#socket.terminate();
  }
}

export async function connectControl(stack: DeliveryStack, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${stack.internalUrl.replace('http', 'ws')}/delivery`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** Puts a test program, each part when its time on the grid is over, as a compositor does. */
export class TestCompositor {
  readonly id = newId('c');
  #stack: DeliveryStack;
  readonly #controller: TestController;
  readonly #clip: TestClip;
  readonly #fence: number;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  /** Told before each part; false: the part is not put. */
  filter: (segment: number, part: number, kind: 'video' | 'audio') => boolean = () => true;

  constructor(stack: DeliveryStack, controller: TestController, clip: TestClip, fence = 1) {
    this.#stack = stack;
    this.#controller = controller;
    this.#clip = clip;
    this.#fence = fence;
  }

  /** The delivery node is another process now. */
  moveTo(stack: DeliveryStack): void {
    this.#stack = stack;
  }

  async put(path: string, body: Buffer, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.#stack.internalUrl}/program/${this.#controller.broadcast}/${path}`, {
      method: 'PUT',
      body: new Uint8Array(body),
      headers: {
        authorization: `Bearer ${SERVICE_TOKEN}`,
        'content-type': 'application/octet-stream',
        [FENCE_HEADER]: String(this.#fence),
        [COMPOSITOR_HEADER]: this.id,
        ...headers,
      },
    });
  }

  /** `picture`: the slate of the picture, too; a compositor takes seconds to make it. */
  async preface({ picture = true } = {}): Promise<void> {
    for (const [rendition, kind] of [
      [VIDEO, 'video'],
      [AUDIO, 'audio'],
    ] as const) {
      await expectOk(await this.put(`${rendition}/init`, this.#clip.inits[kind]));
      if (kind === 'audio' || picture) await expectOk(await this.put(`${rendition}/slate`, this.#clip.slate[kind]));
    }
  }

  take(from: number): void {
    this.#controller.send({ type: 'take', from, compositor: this.id, fence: this.#fence });
  }

  /** Preface, take, and parts from `from` on until `stop`. */
  async start(from: number): Promise<void> {
    await this.preface();
    this.take(from);
    this.#running = this.#run(from);
  }

  /** Puts nothing more, in the middle of whatever it was: a compositor that died. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(from: number): Promise<void> {
    const run = new ProgramRun(this.#clip, from);
    while (!this.#stopped) {
      const { segment, part, video, audio } = run.next();
      const wait = partStartMs(GRID, segment, part + 1) - this.#controller.programMs;
      if (wait > 0) await delay(wait);
      if (this.#stopped) break;
      const puts: Promise<Response>[] = [];
      if (this.filter(segment, part, 'audio')) puts.push(this.put(`${AUDIO}/${segment}/${part}`, audio));
      if (this.filter(segment, part, 'video')) puts.push(this.put(`${VIDEO}/${segment}/${part}`, video));
      await Promise.all(puts);
    }
    run.close();
  }
}

async function expectOk(response: Response): Promise<void> {
  if (!response.ok) throw new Error(`PUT was answered ${response.status}: ${await response.text()}`);
}
