import type { WebSocket } from 'ws';
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { CONTROL_SINCE, CompositorMessage, type ControllerMessage, WS_GOING_AWAY } from '../contracts/control.ts';
import { AppError } from '../contracts/errors.ts';
import { isKnownTo, protocolBefore, protocolWith } from '../contracts/protocol.ts';
import { openSocket } from './openSocket.ts';

/** From `open` to `bound`; the agent's own limits for a cold child are shorter together, ms. */
const BOUND_LIMIT_MS = 45_000;

type Bound = Extract<CompositorMessage, { type: 'bound' }>;
type Ended = Extract<CompositorMessage, { type: 'ended' }>;

export type LinkMessage = Exclude<CompositorMessage, { type: 'clock-ask' | 'bound' | 'refused' | 'ended' }>;
export type LinkEnd = Omit<Ended, 'type'>;

interface CompositorLinkEvents {
  message: [message: LinkMessage];
}

export interface CompositorLinkOptions {
  agentUrl: string;
  /** The newest protocol number that the agent has announced; undefined: it is found out. */
  protocol?: number | undefined;
  token: string;
  broadcast: string;
  compositor: string;
  fence: number;
  /** What the broadcast is expected to cost. */
  slots: number;
  clock: Clock;
  logger: Logger;
  signal?: AbortSignal;
}

/** The controller's side of interface 2, Control: one connection, one compositor. Answers the child's clock questions itself. */
export class CompositorLink extends TypedEmitter<CompositorLinkEvents> {
  /** Settles when the compositor is gone, or nobody knows (`control-lost`); never after `close()`. */
  readonly ended: Promise<LinkEnd>;
  /** The number that is spoken on this connection. */
  readonly protocol: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #socket: WebSocket | undefined;
  #state: 'opening' | 'bound' | 'ended' = 'opening';
  #draining = false;
  /** The agent does not speak our number. */
  #foreign = false;
  /** What the agent was told that the broadcast costs. */
  #slots = 0;
  #countsSlots = false;
  #returns = false;
  #heardAt = Number.NEGATIVE_INFINITY;
  #resolveEnded: (end: LinkEnd) => void = () => {};
  #settle: { resolve: (bound: Bound) => void; reject: (error: Error) => void } | undefined;

  private constructor({ clock, logger }: CompositorLinkOptions, protocol: number) {
    super();
    this.protocol = protocol;
    this.#clock = clock;
    this.#logger = logger;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  /**
   * Asks the agent for a compositor and waits for its port. AppError `no-capacity` when there is none to be had there. An agent that does
   * not speak our protocol number is asked with the one before.
   */
  static async open(options: CompositorLinkOptions): Promise<{ link: CompositorLink; bound: Bound }> {
    for (let protocol = protocolWith(options.protocol); ; ) {
      const link = new CompositorLink(options, protocol);
      try {
        return { link, bound: await link.#open(options) };
      } catch (error) {
        const older = link.#foreign ? protocolBefore(protocol) : undefined;
        if (older === undefined) throw error;
        options.logger.debug({ agent: options.agentUrl, protocol: older }, 'the agent speaks an older protocol');
        protocol = older;
      }
    }
  }

  /** The agent has said that it goes. */
  get draining(): boolean {
    return this.#draining;
  }

  /** The compositor can send its program back to the room. */
  get returns(): boolean {
    return this.#returns;
  }

  /** When the compositor or its agent said something last, on the clock, ms. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** What the agent's protocol number does not have is left out. */
  send(message: ControllerMessage): void {
    if (!isKnownTo(this.protocol, message, CONTROL_SINCE)) return;
    if (this.#socket?.readyState === this.#socket?.OPEN) this.#socket?.send(JSON.stringify(message));
  }

  /** The broadcast costs so many slots now; an agent that does not count them is not told. */
  costs(slots: number): void {
    if (!this.#countsSlots || slots === this.#slots) return;
    this.#slots = slots;
    this.send({ type: 'slots', slots });
  }

  /** The agent stops the child. */
  close(): void {
    this.#close();
  }

  /** The child goes on: another controller follows. */
  letGo(): void {
    this.#close(WS_GOING_AWAY);
  }

  #close(code?: number): void {
    this.#state = 'ended';
    this.#settle?.reject(new AppError('internal', 'The compositor was given up.'));
    this.#socket?.close(code);
  }

  async #open(options: CompositorLinkOptions): Promise<Bound> {
    const { agentUrl, token, broadcast, compositor, fence, slots, signal } = options;
    // Before the connection is: an agent may refuse in its first words.
    const bound = new Promise<Bound>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    bound.catch(() => {});
    try {
      this.#socket = await openSocket({
        base: agentUrl,
        path: '/control',
        token,
        onMessage: (text) => this.#receive(text),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      throw new AppError('no-capacity', 'The compositor agent can not be reached.', { cause: error });
    }
    this.#socket.once('close', () =>
      this.#end({ reason: 'control-lost', lastSegment: null, message: 'the control connection closed' }),
    );
    const giveUp = () => this.close();
    const limit = setTimeout(giveUp, BOUND_LIMIT_MS);
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal?.aborted) giveUp();
    this.#slots = slots;
    this.send({ type: 'open', protocol: this.protocol, broadcast, compositor, fence, slots });
    try {
      return await bound;
    } finally {
      clearTimeout(limit);
      signal?.removeEventListener('abort', giveUp);
      if (this.#state !== 'bound') this.#socket.close();
    }
  }

  #receive(text: string): void {
    // First: the answer to a clock question is worth what it is fresh.
    const t1 = this.#clock.now();
    this.#heardAt = t1;
    const message = parse(text);
    if (!message) {
      this.#logger.warn('compositor sent a malformed message');
      return;
    }
    if (this.#state === 'ended') return;
    switch (message.type) {
      case 'clock-ask':
        this.send({ type: 'clock', t0: message.t0, t1, t2: this.#clock.now() });
        return;
      case 'refused':
        this.#state = 'ended';
        this.#foreign = message.code === 'protocol';
        this.#settle?.reject(new AppError('no-capacity', undefined, { cause: new Error(message.message) }));
        return;
      case 'bound':
        if (this.#state === 'opening') this.#state = 'bound';
        this.#countsSlots = message.countsSlots === true;
        this.#returns = message.returns === true;
        this.#settle?.resolve(message);
        return;
      case 'ended': {
        const { type: _, ...end } = message;
        this.#end(end);
        return;
      }
      default:
        // Kept as well: it may come before anybody listens.
        if (message.type === 'draining') this.#draining = true;
        this.emit('message', message);
    }
  }

  #end(end: LinkEnd): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    const cause = new Error(`${end.reason}: ${end.message}`);
    this.#settle?.reject(new AppError('internal', 'The compositor ended.', { cause }));
    this.#socket?.close();
    this.#resolveEnded(end);
  }
}

function parse(text: string): CompositorMessage | undefined {
  try {
    return CompositorMessage.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
