/**
 * The compositor agent: offers capacity on interface 2, Control. In: one WebSocket a broadcast from the SFU's controller. Out: one
 * child process (../main.ts) a broadcast, which does all media work. ControlSession joins the two.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../../src/common/logger.ts';
import { watchAlive } from '../../src/common/watchAlive.ts';
import { type CompositorMessage, WS_GOING_AWAY } from '../../src/contracts/control.ts';
import { ChildPool } from './ChildPool.ts';
import { CHILD_LIMITS, type ChildLimits } from './CompositorChild.ts';
import { ControlSession, type Open, parseControllerMessage, WS_NORMAL, WS_POLICY } from './ControlSession.ts';
import type { AgentMetrics } from './metrics.ts';

/** From the connection to its `open`, ms. */
const OPEN_LIMIT_MS = 10_000;
/** A job with 64 sources is below 64 KiB; nothing on Control is larger. */
const MAX_MESSAGE_BYTES = 1 << 20;
const COMPOSITOR_MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

export interface AgentOptions {
  /** The address that children receive RTP on, and that the SFU reaches them at. */
  mediaIp: string;
  /** First and last UDP port of the children. */
  mediaPorts: readonly [number, number];
  /** Broadcasts at the same time. */
  maxChildren: number;
  /** What they may cost together, in slots (src/directory/placement/cost.ts); left out: one each. */
  slots?: number;
  /** Processes kept ready; left out: two, so that as many successors warm up at once as a drain wants, or one where there is one slot. */
  warmChildren?: number;
  logLevel?: string;
  /** Whether this is a good `service` token. */
  verifyService: (token: string | undefined) => Promise<boolean>;
  logger: Logger;
  metrics: AgentMetrics;
  /** `load` or `draining` may be another now. */
  onLoad?: () => void;
  /** The child program; tests give their own. */
  entry?: string;
  limits?: Partial<ChildLimits>;
  /** How long a compositor goes on without a controller, ms. */
  orphanMs?: number;
}

type RefusalCode = Extract<CompositorMessage, { type: 'refused' }>['code'];

export class Agent {
  /** What it offers, and `used` of them. */
  readonly slots: number;
  readonly #options: AgentOptions;
  readonly #logger: Logger;
  readonly #pool: ChildPool;
  readonly #sockets: WebSocketServer;
  /** One for each compositor. */
  readonly #sessions = new Set<ControlSession>();
  #state: 'open' | 'draining' | 'closed' = 'open';
  #closing: Promise<void> | undefined;

  private constructor(options: AgentOptions) {
    const { mediaIp, mediaPorts, maxChildren, slots = maxChildren, logLevel = 'info', metrics } = options;
    const { warmChildren = slots > 1 ? 2 : 1 } = options;
    this.#options = options;
    this.slots = slots;
    metrics.slots.set({ kind: 'offered' }, slots);
    this.#logger = options.logger.child({ part: 'agent' });
    this.#sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
    this.#pool = new ChildPool({
      mediaIp,
      mediaPorts,
      maxChildren,
      slots,
      warmChildren,
      logLevel,
      metrics,
      entry: options.entry ?? COMPOSITOR_MAIN,
      limits: { ...CHILD_LIMITS, ...options.limits },
      logger: this.#logger,
      // Not at once: the first comes while we are being made.
      onCount: () => queueMicrotask(() => this.#counted()),
    });
  }

  static async create(options: AgentOptions): Promise<Agent> {
    return new Agent(options);
  }

  /** Broadcasts that it takes at the same time, and how many it has. */
  get capacity(): number {
    return this.#options.maxChildren;
  }

  /** Where it is full, orphans do not count: their broadcasts may have their places, so they have to ask here. */
  get load(): number {
    const { used } = this.#pool;
    return used < this.capacity ? used : used - [...this.#sessions].filter(({ orphan }) => orphan).length;
  }

  /** As `load`: where an orphan's broadcast would not find room again, orphans do not count. */
  get used(): number {
    const { usedSlots } = this.#pool;
    const orphans = [...this.#sessions].filter(({ orphan }) => orphan).map(({ child }) => this.#pool.slotsOf(child));
    const free = this.slots - usedSlots;
    const given = orphans.some((slots) => slots > free) ? orphans.reduce((sum, slots) => sum + slots, 0) : 0;
    return Math.round((usedSlots - given) * 1000) / 1000;
  }

  get draining(): boolean {
    return this.#state !== 'open';
  }

  /** Answers an HTTP upgrade of path `/control`; 401 without a good service token, 503 when closed. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const lost = () => socket.destroy();
    socket.on('error', lost);
    const token = request.headers.authorization?.match(/^Bearer ([A-Za-z0-9._~+/=-]+)$/i)?.[1];
    this.#options.verifyService(token).then(
      (good) => {
        if (this.#state === 'closed') return refuseUpgrade(socket, '503 Service Unavailable');
        if (!good) {
          this.#options.metrics.refused.inc({ code: 'unauthorized' });
          return refuseUpgrade(socket, '401 Unauthorized');
        }
        socket.off('error', lost);
        this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#connected(ws));
      },
      (error: unknown) => {
        this.#logger.error({ err: error }, 'control connection failed');
        refuseUpgrade(socket, '500 Internal Server Error');
      },
    );
  }

  /** Takes no new broadcasts; running ones go on. */
  drain(): void {
    if (this.#state !== 'open') return;
    this.#state = 'draining';
    this.#pool.drain();
    this.#options.onLoad?.();
    this.#options.metrics.draining.set(1);
    this.#logger.info({ running: this.#pool.used }, 'agent drains');
  }

  /**
   * Drains, says so to the controllers, and waits until they have handed over every broadcast, `limitMs` at most; how many broadcasts
   * are left then. `close` ends those: they are restarted where there is room.
   */
  async handOver(limitMs: number): Promise<number> {
    this.drain();
    for (const session of this.#sessions) session.say({ type: 'draining', seconds: limitMs / 1000 });
    const limit = new AbortController();
    const passed = delay(limitMs, undefined, { signal: limit.signal }).catch(() => {});
    await Promise.race([this.#pool.emptied(), passed]);
    limit.abort();
    const left = this.#pool.used;
    if (left > 0) this.#logger.warn({ left }, 'broadcasts had no place elsewhere');
    return left;
  }

  /** Stops every child and closes every connection; resolves when no process is left. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.drain();
    this.#state = 'closed';
    await this.#pool.close();
    for (const socket of this.#sockets.clients) socket.close(WS_GOING_AWAY);
    this.#sockets.close();
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#logger.info('agent closed');
  }

  #counted(): void {
    this.#options.metrics.slots.set({ kind: 'used' }, this.used);
    this.#options.onLoad?.();
  }

  #connected(socket: WebSocket): void {
    watchAlive(socket);
    socket.on('error', (error) => this.#logger.debug({ err: error }, 'control connection error'));
    const limit = setTimeout(() => socket.close(WS_POLICY, 'no open'), OPEN_LIMIT_MS);
    socket.once('close', () => clearTimeout(limit));
    socket.once('message', (data, isBinary) => {
      clearTimeout(limit);
      this.#opening(socket, data, isBinary);
    });
  }

  #opening(socket: WebSocket, data: RawData, isBinary: boolean): void {
    const { message, foreign } = isBinary ? {} : parseControllerMessage(String(data));
    if (foreign !== undefined) this.#refuse(socket, 'protocol', foreign);
    else if (message?.type !== 'open') socket.close(WS_POLICY, 'the first message is open');
    else if (this.#state !== 'open') this.#refuse(socket, 'draining', 'This agent takes no new broadcasts.');
    else {
      const child = this.#pool.take(message.slots);
      if (child) this.#run(socket, child, message);
      else this.#replaceOrphan(socket, message);
    }
  }

  #run(socket: WebSocket, child: NonNullable<ReturnType<ChildPool['take']>>, open: Open): void {
    const { broadcast, compositor, fence } = open;
    const session = new ControlSession({
      ...{ socket, child, open },
      logger: this.#logger.child({ broadcast, compositor, fence }),
      orphanMs: this.#options.orphanMs,
      onBound: (seconds) => this.#options.metrics.boundSeconds.observe(seconds),
      onSlots: (slots) => this.#pool.resize(child, slots),
    });
    this.#sessions.add(session);
    socket.once('close', () => this.#options.onLoad?.());
    void session.ended.then(() => this.#sessions.delete(session));
  }

  /** There is no place but that of a compositor which the same broadcast had under a controller before. */
  #replaceOrphan(socket: WebSocket, open: Open): void {
    const isFormer = ({ orphan, open: { broadcast, fence } }: ControlSession) =>
      orphan && broadcast === open.broadcast && fence < open.fence;
    const former = [...this.#sessions].find(isFormer);
    const again = () => {
      if (socket.readyState !== socket.OPEN) return;
      const child = this.#pool.take(open.slots);
      if (child) this.#run(socket, child, open);
      else this.#refuse(socket, 'busy', 'This agent has too few slots left.');
    };
    former?.giveWay();
    void (former?.ended ?? Promise.resolve()).then(again);
  }

  #refuse(socket: WebSocket, code: RefusalCode, message: string): void {
    this.#options.metrics.refused.inc({ code });
    this.#logger.info({ code }, 'control refused');
    const refusal: CompositorMessage = { type: 'refused', code, message };
    socket.send(JSON.stringify(refusal), () => socket.close(WS_NORMAL));
  }
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
