/**
 * One Control connection and its child process: the controller's messages go in to the child, the child's come out. Everything is
 * parsed on its way and passed on in the same turn of the event loop, since `clock` answers are worth what they are fresh.
 *
 * A controller that is lost (its process died, or hands the broadcast on) leaves an orphan: the child goes on with what it has, on the
 * offset of its clock as it was last, until delivery refuses what it puts, since another compositor was taken, until its place is wanted by a
 * newer controller of the same broadcast, or for ORPHAN_MS. A controller that closes the connection in order is obeyed at once.
 */
import type { WebSocket } from 'ws';
import type { Logger } from '../../src/common/logger.ts';
import {
  CONTROL_SINCE,
  type CompositorMessage,
  ControllerMessage,
  WS_GOING_AWAY,
  WS_LOST,
} from '../../src/contracts/control.ts';
import { RECLAIM_MS } from '../../src/contracts/deliveryControl.ts';
import { foreignProtocol, isKnownTo } from '../../src/contracts/protocol.ts';
import type { ChildEnd, CompositorChild } from './CompositorChild.ts';

/** RFC 6455 section 7.4.1. */
export const WS_NORMAL = 1000;
export const WS_POLICY = 1008;

/** As long as delivery waits for a controller; quartzes of two machines drift by some ms in that time. */
export const ORPHAN_MS = RECLAIM_MS;
/** A `take` is sent half a second ahead: an orphan that may not put by then was not, or is not any more, the one at work, ms. */
const SETTLE_MS = 1_500;

export type Open = Extract<ControllerMessage, { type: 'open' }>;

export interface ControlSessionOptions {
  socket: WebSocket;
  child: CompositorChild;
  open: Open;
  logger: Logger;
  /** Tests do not wait a minute. */
  orphanMs?: number | undefined;
  /** From `open` to `bound`, seconds. */
  onBound: (seconds: number) => void;
  /** The broadcast costs so many slots now. */
  onSlots: (slots: number) => void;
}

export class ControlSession {
  readonly open: Open;
  readonly child: CompositorChild;
  /** Resolves when no process is left. */
  readonly ended: Promise<void>;
  readonly #options: ControlSessionOptions;
  readonly #openedAt = performance.now();
  #orphanedAt: number | undefined;
  #limit: NodeJS.Timeout | undefined;

  /** Joins them until one of them ends; then the other is ended, or goes on as an orphan. */
  constructor(options: ControlSessionOptions) {
    const { socket, child, open, logger, onSlots } = options;
    this.open = open;
    this.child = child;
    this.#options = options;
    socket.on('message', (data, isBinary) => {
      const message = isBinary ? undefined : parseControllerMessage(String(data)).message;
      if (!message || message.type === 'open') {
        logger.warn('controller sent a malformed message');
        socket.close(WS_POLICY, 'malformed message');
        return;
      }
      if (message.type === 'slots') onSlots(message.slots);
      else child.send(message);
    });
    socket.on('close', (code) => this.#closed(code));
    child.on('message', (message) => this.#tell(message));
    child.on('notTaken', () => this.#notTaken());
    this.ended = new Promise((resolve) => {
      child.once('ended', (end) => {
        this.#ended(end);
        resolve();
      });
    });
    child.send(open);
  }

  /** Nobody controls it. */
  get orphan(): boolean {
    return this.#orphanedAt !== undefined;
  }

  /** What the controller's version does not know is not said. */
  say(message: CompositorMessage): void {
    const { socket } = this.#options;
    if (!isKnownTo(this.open.protocol, message, CONTROL_SINCE)) return;
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  }

  /** The place is wanted: it ends with the parts that are whole; see `ended`. */
  giveWay(): void {
    this.#options.logger.info('orphaned compositor gives way');
    this.#options.child.stop('control-lost');
  }

  #tell(message: Exclude<CompositorMessage, { type: 'ended' }>): void {
    if (message.type === 'bound') {
      const { child, logger, onBound } = this.#options;
      onBound((performance.now() - this.#openedAt) / 1000);
      logger.info({ pid: child.pid }, 'compositor bound');
    }
    this.say(message.type === 'bound' ? { ...message, countsSlots: true } : message);
  }

  #closed(code: number): void {
    const { child, logger, orphanMs = ORPHAN_MS } = this.#options;
    const lost = code === WS_LOST || code === WS_GOING_AWAY;
    if (child.state !== 'running' || !lost) {
      child.stop('control-lost');
      return;
    }
    logger.warn({ code, orphanMs }, 'controller lost; the compositor goes on');
    this.#orphanedAt = performance.now();
    this.#limit = setTimeout(() => {
      logger.warn('no controller came');
      child.stop('control-lost');
    }, orphanMs);
  }

  #notTaken(): void {
    if (this.#orphanedAt === undefined || performance.now() - this.#orphanedAt < SETTLE_MS) return;
    const { child, logger } = this.#options;
    if (child.state === 'running') logger.info('another compositor has the broadcast');
    child.stop('control-lost');
  }

  #ended({ reason, lastSegment, message, cpuSeconds, stderr }: ChildEnd): void {
    const { socket, child, logger } = this.#options;
    clearTimeout(this.#limit);
    const orderly = reason === 'stopped' || reason === 'control-lost';
    const fields = { pid: child.pid, reason, lastSegment, message };
    if (orderly) logger.info(fields, 'compositor ended');
    else logger.warn({ ...fields, stderr }, 'compositor ended');
    this.say({ type: 'ended', reason, lastSegment, message, cpuSeconds });
    socket.close(WS_NORMAL);
  }
}

/** The message; neither: it is malformed. `foreign`: a sentence when it is an `open` of a protocol that we do not speak. */
export function parseControllerMessage(text: string): { message?: ControllerMessage; foreign?: string } {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return {};
  }
  const parsed = ControllerMessage.safeParse(raw);
  if (parsed.success) return { message: parsed.data };
  const foreign = foreignProtocol(raw);
  return foreign === undefined ? {} : { foreign };
}
