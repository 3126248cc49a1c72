import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { DELIVERY_SINCE, type DeliveryOrder, DeliveryReport, RECLAIM_MS } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import { isKnownTo, protocolBefore, protocolWith, STANDBY_SINCE } from '../contracts/protocol.ts';
import { openSocket } from './openSocket.ts';

/** From the connection to `opened`, ms. */
const OPENED_LIMIT_MS = 10_000;
/** From `end` to `ended`: the destinations' last GOPs are sent, ms. */
const ENDED_LIMIT_MS = 15_000;
/** So many parts late in a row: nobody is at work. */
const LATE_PARTS = 3;
const RECONNECT_MS = 200;
const RECONNECT_MAX_MS = 2_000;

type Take = Extract<DeliveryOrder, { type: 'take' }>;
export type OpenOrder = Extract<DeliveryOrder, { type: 'open' }>;

export type LinkReport = Exclude<DeliveryReport, { type: 'clock-ask' | 'opened' | 'refused' | 'ended' }>;

interface DeliveryLinkEvents {
  report: [report: LinkReport];
  /** The connection is lost, is being made anew. */
  lost: [];
  back: [];
  /** Not to be had any more: refused, or not reached within RECLAIM_MS. */
  failed: [error: AppError];
}

export interface DeliveryLinkOptions {
  deliveryUrl: string;
  /** The newest protocol number that the delivery node has announced; undefined: it is found out. */
  protocol?: number | undefined;
  newToken: () => Promise<string>;
  /** The broadcast as it is to be opened now: a reconnect names the destinations and the fence of that time. */
  order: () => OpenOrder;
  clock: Clock;
  logger: Logger;
  /** Tests do not wait a minute. */
  reclaimMs?: number;
}

/**
 * The controller's side of interface 5, Delivery control: one broadcast. A lost connection is made anew, and the broadcast claimed
 * again, for as long as delivery keeps it (RECLAIM_MS). Answers delivery's clock questions itself.
 */
export class DeliveryLink extends TypedEmitter<DeliveryLinkEvents> {
  readonly #options: DeliveryLinkOptions;
  readonly #abort = new AbortController();
  #socket: WebSocket | undefined;
  #state: 'open' | 'ending' | 'closed' = 'open';
  #take: Take | undefined;
  /** The number that is spoken on the connection. */
  #protocol: number;
  /** Delivery has refused `open`: perhaps it does not speak our number. */
  #foreign = false;
  #arriving = false;
  /** It takes captions. */
  #captions = false;
  #standby: Take | undefined;
  #opened: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #ended: (() => void) | undefined;

  private constructor(options: DeliveryLinkOptions) {
    super();
    this.#options = options;
    this.#protocol = protocolWith(options.protocol);
  }

  /** Connects and opens the broadcast. Rejects with an AppError. */
  static async open(options: DeliveryLinkOptions): Promise<DeliveryLink> {
    const link = new DeliveryLink(options);
    await link.#connect();
    return link;
  }

  /** A compositor is at work, whoever controls it. */
  get arriving(): boolean {
    return this.#arriving;
  }

  /** While the connection is lost nothing is sent: what counts is in `order()` and in the last `take`, sent on the way back. */
  send(order: Exclude<DeliveryOrder, { type: 'open' | 'end' | 'clock' }>): void {
    if (order.type === 'take') this.#remember(order);
    this.#post(order);
  }

  /** The next report of this type. Rejects with an AppError when it does not come in time, or the connection is lost or `signal` aborted before. */
  async next(type: LinkReport['type'], limitMs: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (why: string) => () => reject(new AppError('internal', `The delivery node ${why}.`));
    const timer = setTimeout(fail(`did not say '${type}' in time`), limitMs);
    const look = (report: LinkReport) => {
      if (report.type === type) resolve();
    };
    const lost = fail('was lost');
    this.on('report', look).once('lost', lost);
    const aborted = fail('is not needed any more');
    signal?.addEventListener('abort', aborted, { once: true });
    if (signal?.aborted) aborted();
    if (this.#state !== 'open') lost();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.off('report', look).off('lost', lost);
      signal?.removeEventListener('abort', aborted);
    }
  }

  #remember(take: Take): void {
    if (take.standby) this.#standby = take;
    else this.#take = take;
    // It does not stand by any more.
    if (this.#standby?.compositor === this.#take?.compositor) this.#standby = undefined;
  }

  /** Closes the broadcast; resolves when delivery has, or has been given up. */
  async end(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    this.#post({ type: 'end' });
    if (this.#socket?.readyState !== this.#socket?.OPEN) this.#options.logger.warn('delivery is not there to end');
    else await Promise.race([ended, delay(ENDED_LIMIT_MS, undefined, { signal: this.#abort.signal }).catch(() => {})]);
    this.close();
  }

  /** Without `end`, delivery keeps the broadcast for RECLAIM_MS. No event follows. */
  close(): void {
    this.#state = 'closed';
    this.#abort.abort();
    this.#opened?.reject(new AppError('internal', 'The delivery connection was given up.'));
    this.#socket?.close();
  }

  /** Another version may have been started in the place of the one before: each connection begins with the newest number. */
  async #connect(): Promise<void> {
    for (let protocol: number | undefined = protocolWith(this.#options.protocol); ; ) {
      this.#protocol = protocol;
      this.#foreign = false;
      try {
        return await this.#tryConnect();
      } catch (error) {
        protocol = this.#foreign && this.#state !== 'closed' ? protocolBefore(protocol) : undefined;
        if (protocol === undefined) throw error;
        this.#options.logger.debug({ protocol }, 'delivery speaks an older protocol');
      }
    }
  }

  async #tryConnect(): Promise<void> {
    const { deliveryUrl, newToken, order } = this.#options;
    // Before the connection is: delivery may refuse in its first words.
    const opened = new Promise<void>((resolve, reject) => {
      this.#opened = { resolve, reject };
    });
    opened.catch(() => {});
    let socket: WebSocket;
    try {
      socket = await openSocket({
        base: deliveryUrl,
        path: '/delivery',
        token: await newToken(),
        onMessage: (text) => this.#receive(text),
        oneByOne: true,
        signal: this.#abort.signal,
      });
    } catch (error) {
      throw new AppError('internal', 'The delivery node can not be reached.', { cause: error });
    }
    this.#socket = socket;
    const limit = setTimeout(() => socket.terminate(), OPENED_LIMIT_MS);
    // Of this connection: the next one may be on its way when it closes.
    const waiting = this.#opened;
    const refuse = () => waiting?.reject(new AppError('internal', 'The delivery node closed the connection.'));
    socket.once('close', refuse);
    this.#post({ ...order(), protocol: this.#protocol });
    try {
      await opened;
    } catch (error) {
      socket.close();
      throw error;
    } finally {
      clearTimeout(limit);
    }
    socket.off('close', refuse);
    for (const take of [this.#take, this.#standby]) if (take) this.#post(take);
    if (socket.readyState === socket.OPEN) socket.once('close', () => this.#lost());
    else this.#lost();
  }

  #lost(): void {
    this.#ended?.();
    if (this.#state !== 'open') return;
    this.#options.logger.warn('delivery connection lost');
    this.emit('lost');
    this.#reclaim().then(
      () => {
        if (this.#state === 'open') this.emit('back');
      },
      (error: unknown) => {
        if (this.#state !== 'open') return;
        this.close();
        this.emit('failed', error instanceof AppError ? error : new AppError('internal', undefined, { cause: error }));
      },
    );
  }

  async #reclaim(): Promise<void> {
    const { clock, reclaimMs = RECLAIM_MS, logger } = this.#options;
    const until = clock.now() + reclaimMs;
    for (let wait = RECONNECT_MS; ; wait = Math.min(wait * 2, RECONNECT_MAX_MS)) {
      try {
        await this.#connect();
        logger.info('delivery connection is back');
        return;
      } catch (error) {
        const refused = error instanceof AppError && ['stale-fence', 'conflict'].includes(error.code);
        if (refused || this.#state !== 'open' || clock.now() + wait > until) throw error;
        logger.debug({ err: error }, 'delivery connection not back yet');
      }
      await delay(wait, undefined, { signal: this.#abort.signal });
    }
  }

  #receive(text: string): void {
    // First: the answer to a clock question is worth what it is fresh.
    const t1 = this.#options.clock.now();
    const report = parse(text);
    if (!report) {
      this.#options.logger.warn('delivery sent a malformed message');
      return;
    }
    if (this.#state === 'closed') return;
    switch (report.type) {
      case 'clock-ask':
        this.#post({ type: 'clock', t0: report.t0, t1, t2: this.#options.clock.now() });
        return;
      case 'opened':
        this.#arriving = report.arriving;
        this.#captions = report.captions ?? false;
        this.#opened?.resolve();
        return;
      case 'refused': {
        const codes = { 'stale-fence': 'stale-fence', draining: 'no-capacity', ended: 'conflict' } as const;
        // A node of version 1 says `bad-request` of a number that it does not know.
        this.#foreign = report.code === 'protocol' || report.code === 'bad-request';
        const code = codes[report.code as keyof typeof codes] ?? 'internal';
        this.#opened?.reject(new AppError(code, undefined, { cause: new Error(report.message) }));
        return;
      }
      case 'ended':
        this.#ended?.();
        return;
      default:
        if (report.type === 'part') this.#arriving = true;
        if (report.type === 'late' && report.count >= LATE_PARTS) this.#arriving = false;
        this.emit('report', report);
    }
  }

  #post(order: DeliveryOrder): void {
    if (!isKnownTo(this.#protocol, order, DELIVERY_SINCE)) return;
    if (order.type === 'caption' && !this.#captions) return;
    // To who drops the word it would be the order to take the program from there.
    if (order.type === 'take' && order.standby && this.#protocol < STANDBY_SINCE) return;
    if (this.#socket?.readyState === this.#socket?.OPEN) this.#socket?.send(JSON.stringify(order));
  }
}

function parse(text: string): DeliveryReport | undefined {
  try {
    return DeliveryReport.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
