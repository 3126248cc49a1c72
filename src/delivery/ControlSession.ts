/**
 * Interface 5, Delivery control (contracts/deliveryControl.ts): one WebSocket of a controller, for one broadcast. In: orders. Out:
 * reports, and each second a clock exchange and statistics.
 */
import type { WebSocket } from 'ws';
import { assertUnreachable } from '../common/assert.ts';
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { DELIVERY_SINCE, DeliveryOrder, type DeliveryReport } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import { PROTOCOL } from '../contracts/ids.ts';
import { foreignProtocol, isKnownTo } from '../contracts/protocol.ts';
import type { RecordingStatus } from '../contracts/recording.ts';
import type { DeliveryBroadcast, OpenOrder } from './DeliveryBroadcast.ts';
import type { WatchFigures } from './viewers/Watching.ts';

const TICK_MS = 1000;
/** The first exchanges follow each other faster: nothing can be judged before the clock is known, ms. */
const FIRST_EXCHANGES_MS = [0, 100, 300];
/** A controller that answers no ping for this long is gone, ms. */
const SILENCE_LIMIT_MS = 10_000;

export interface SessionOptions {
  socket: WebSocket;
  clock: Clock;
  logger: Logger;
  /** Throws AppError. */
  open(order: OpenOrder, session: ControlSession): DeliveryBroadcast;
  viewers(broadcast: string): number;
  /** How they fare. */
  watching(broadcast: string): WatchFigures;
  /** null: it is not recorded. */
  recording(broadcast: string): RecordingStatus | null;
  /** Begins or ends a recording. */
  record(broadcast: DeliveryBroadcast, on: boolean): void;
  /** Another node, at this URL, has it. Resolves when nothing of it is here any more. */
  moved(broadcast: DeliveryBroadcast, url: string): Promise<void>;
  /** How long this node still waits for its broadcasts to be moved, ms; null: it does not go. */
  drainingMs(): number | null;
}

type Refusal = Extract<DeliveryReport, { type: 'refused' }>;

interface SessionEvents {
  /** `ended`: the broadcast was ended by order; else the connection was lost or replaced. */
  closed: [ended: boolean];
}

export class ControlSession extends TypedEmitter<SessionEvents> {
  readonly #options: SessionOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #onReport = (report: DeliveryReport): void => this.#send(report);
  #broadcast: DeliveryBroadcast | undefined;
  /** The controller's. */
  #protocol = PROTOCOL;
  #closed = false;
  #ended = false;
  #heardAt: number;

  constructor(options: SessionOptions) {
    super();
    this.#options = options;
    const { socket, clock } = options;
    this.#heardAt = clock.now();
    socket.on('message', (data, isBinary) => {
      this.#heardAt = clock.now();
      this.#receive(isBinary ? undefined : String(data));
    });
    socket.on('pong', () => {
      this.#heardAt = clock.now();
    });
    socket.on('close', () => this.close());
    socket.on('error', (error) => this.#log.warn({ err: error }, 'delivery control failed'));
  }

  get closed(): boolean {
    return this.#closed;
  }

  get broadcast(): DeliveryBroadcast | undefined {
    return this.#broadcast;
  }

  get #log(): Logger {
    return this.#broadcast?.logger ?? this.#options.logger;
  }

  /** Leaves the broadcast as it is. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#broadcast?.off('report', this.#onReport);
    this.#options.socket.close(1000);
    this.emit('closed', this.#ended);
  }

  /** Tells the controller that this node goes. */
  draining(): void {
    const withinMs = this.#options.drainingMs();
    if (withinMs !== null && this.#broadcast) this.#send({ type: 'draining', withinMs });
  }

  /** Tells the controller that the broadcast is over, and closes. */
  ended(): void {
    this.#ended = true;
    this.#send({ type: 'ended' });
    this.close();
  }

  #receive(text: string | undefined): void {
    if (this.#closed) return;
    const value = parseJson(text);
    const foreign = foreignProtocol(value);
    if (foreign !== undefined) {
      this.#refuse('protocol', foreign);
      return;
    }
    try {
      this.#obey(parseOrder(value));
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (!(error instanceof AppError)) this.#log.error({ err: error }, 'order failed');
    this.#refuseFor(error instanceof AppError ? error : new AppError('internal'));
  }

  #obey(order: DeliveryOrder): void {
    if (order.type === 'open') {
      if (this.#broadcast) throw new AppError('bad-request', 'this connection has opened a broadcast already');
      this.#protocol = order.protocol;
      this.#opened(this.#options.open(order, this));
      return;
    }
    const broadcast = this.#broadcast;
    if (!broadcast) throw new AppError('bad-request', 'the first order is `open`');
    switch (order.type) {
      case 'take':
        if (order.standby) broadcast.standBy(order.from, order.compositor, order.fence);
        else broadcast.take(order.from, order.compositor, order.fence);
        return;
      case 'add-destination':
        broadcast.addDestination(order.destination);
        return;
      case 'remove-destination':
        void broadcast.removeDestination(order.id);
        return;
      case 'record':
        this.#options.record(broadcast, order.on);
        return;
      case 'caption':
        broadcast.captions.add(order.line);
        return;
      case 'yield':
        broadcast.yieldFrom(order.from);
        return;
      case 'moved':
        this.#options.moved(broadcast, order.url).then(
          () => this.#send({ type: 'left' }),
          (error: unknown) => this.#failed(error),
        );
        return;
      case 'clock':
        broadcast.clock({ t0: order.t0, t1: order.t1, t2: order.t2, t3: this.#options.clock.now() });
        return;
      case 'end':
        void broadcast.end();
        return;
      default:
        assertUnreachable(order);
    }
  }

  #opened(broadcast: DeliveryBroadcast): void {
    this.#broadcast = broadcast;
    broadcast.on('report', this.#onReport);
    this.#send({ type: 'opened', arriving: broadcast.arriving, captions: true });
    for (const destination of broadcast.destinations) this.#send({ type: 'destination', status: destination.status });
    const recording = this.#options.recording(broadcast.id);
    if (recording) this.#send({ type: 'recording', status: recording });
    this.draining();
    for (const delay of FIRST_EXCHANGES_MS) this.#timers.push(setTimeout(() => this.#askClock(), delay));
    this.#timers.push(setInterval(() => this.#tick(broadcast), TICK_MS));
  }

  #tick(broadcast: DeliveryBroadcast): void {
    const { clock, socket, viewers, watching } = this.#options;
    if (clock.now() - this.#heardAt > SILENCE_LIMIT_MS) {
      socket.terminate();
      return;
    }
    this.#askClock();
    socket.ping();
    for (const destination of broadcast.destinations) destination.report();
    const bitrate = (broadcast.takeArrivedBytes() * 8 * 1000) / TICK_MS;
    this.#send({ type: 'stats', bitrate, viewers: viewers(broadcast.id), ...watching(broadcast.id) });
  }

  #askClock(): void {
    this.#send({ type: 'clock-ask', t0: this.#options.clock.now() });
  }

  #refuseFor(error: AppError): void {
    const codes = {
      'stale-fence': 'stale-fence',
      unauthorized: 'unauthorized',
      'shutting-down': 'draining',
      conflict: 'ended',
    } as const;
    this.#refuse(codes[error.code as keyof typeof codes] ?? 'bad-request', error.message);
  }

  /** A mistake ends the connection, and nothing else. */
  #refuse(code: Refusal['code'], message: string): void {
    this.#log.warn({ code, reason: message }, 'order refused');
    this.#send({ type: 'refused', code, message });
    this.close();
  }

  /** What the controller's version does not know is not said. */
  #send(report: DeliveryReport): void {
    if (!isKnownTo(this.#protocol, report, DELIVERY_SINCE)) return;
    if (this.#options.socket.readyState === this.#options.socket.OPEN)
      this.#options.socket.send(JSON.stringify(report));
  }
}

/** undefined: it is none. */
function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** Throws `bad-request`; its sentence names the fields, never what is in them: a destination's URL is a secret. */
function parseOrder(value: unknown): DeliveryOrder {
  if (value === undefined) throw new AppError('bad-request', 'an order is a JSON text');
  const parsed = DeliveryOrder.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((i) => i.path.join('.') || i.code);
  throw new AppError('bad-request', `not an order: ${fields.join(', ').slice(0, 200)}`);
}
