/**
 * One Control connection and its child process: the controller's messages go in to the child, the child's come out. Everything is
 * parsed on its way and passed on in the same turn of the event loop, since `clock` answers are worth what they are fresh.
 */
import type { WebSocket } from 'ws';
import type { Logger } from '../../src/common/logger.ts';
import { CONTROL_SINCE, type CompositorMessage, ControllerMessage } from '../../src/contracts/control.ts';
import { foreignProtocol, isKnownTo } from '../../src/contracts/protocol.ts';
import type { CompositorChild } from './CompositorChild.ts';

/** RFC 6455 section 7.4.1. */
export const WS_NORMAL = 1000;
export const WS_GOING_AWAY = 1001;
export const WS_POLICY = 1008;

export type Open = Extract<ControllerMessage, { type: 'open' }>;

export interface ControlSessionOptions {
  socket: WebSocket;
  child: CompositorChild;
  open: Open;
  logger: Logger;
  /** From `open` to `bound`, seconds. */
  onBound: (seconds: number) => void;
  /** The broadcast costs so many slots now. */
  onSlots: (slots: number) => void;
}

/** Joins them until one of them ends; then the other is ended. Answers how to say something to the controller besides. */
export function runControlSession({
  socket,
  child,
  open,
  logger,
  onBound,
  onSlots,
}: ControlSessionOptions): (message: CompositorMessage) => void {
  const openedAt = performance.now();
  const say = (message: CompositorMessage) => {
    // What the controller's version does not know is not said.
    if (!isKnownTo(open.protocol, message, CONTROL_SINCE)) return;
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  };
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
  socket.on('close', () => child.stop('control-lost'));
  child.on('message', (message) => {
    if (message.type === 'bound') {
      onBound((performance.now() - openedAt) / 1000);
      logger.info({ pid: child.pid }, 'compositor bound');
    }
    say(message.type === 'bound' ? { ...message, countsSlots: true } : message);
  });
  child.once('ended', ({ reason, lastSegment, message, cpuSeconds, stderr }) => {
    const orderly = reason === 'stopped' || reason === 'control-lost';
    const fields = { pid: child.pid, reason, lastSegment, message };
    if (orderly) logger.info(fields, 'compositor ended');
    else logger.warn({ ...fields, stderr }, 'compositor ended');
    say({ type: 'ended', reason, lastSegment, message, cpuSeconds });
    socket.close(WS_NORMAL);
  });
  child.send(open);
  return say;
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
