/** What a client sends on one socket, each answered by its acknowledgement. In: socket.io events. Next: whoever handles one that is known. */
import type { Socket } from 'socket.io';
import type { Logger } from '../common/logger.ts';
import { AppError, type ErrorCode } from '../contracts/errors.ts';
import type { Ack } from '../contracts/signaling.ts';
import { isOurFault, toAnswer, toAppError } from './answers.ts';
import { TokenBucket } from './TokenBucket.ts';

export interface AnsweredEventsOptions<E extends string> {
  socket: Pick<Socket, 'disconnect' | 'disconnected' | 'onAny'>;
  limits: { perSecond: number; burst: number };
  /** Who goes on after so many refusals is not a page of ours. */
  maxRefused: number;
  /** By name; an event that is not among its own keys is not known. */
  handlers: Readonly<Record<E, unknown>>;
  /** It does not wait for the ones before; left out: each waits. */
  besides?: (event: E) => boolean;
  /** Parses the payload and does it; what it throws is the answer. */
  handle: (event: E, payload: unknown) => Promise<unknown>;
  /** Told of each answer; `unknown` stands for every name that there is not. */
  count: (event: E | 'unknown', outcome: 'ok' | ErrorCode) => void;
  logger: Logger;
}

type Answer = (answer: Ack<unknown>) => void;

/** Limits, dispatches and answers. Ends with its socket. */
export class AnsweredEvents<E extends string> {
  readonly #options: AnsweredEventsOptions<E>;
  readonly #bucket: TokenBucket;
  #refused = 0;
  /** Events run one after the other: two that build the same thing would race, and two messages keep their order. */
  #queue: Promise<void> = Promise.resolve();

  constructor(options: AnsweredEventsOptions<E>) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.limits);
    options.socket.onAny((event: unknown, ...args: unknown[]) => this.#onEvent(event, args));
  }

  #onEvent(event: unknown, args: unknown[]): void {
    const { socket, maxRefused, handlers, besides, count } = this.#options;
    const ack = args.at(-1);
    // Nobody can be answered: whatever it is, it is not a page of ours.
    if (typeof ack !== 'function') return;
    const known = typeof event === 'string' && Object.hasOwn(handlers, event) ? (event as E) : undefined;
    const answer: Answer = (result) => {
      count(known ?? 'unknown', result.ok ? 'ok' : result.error.code);
      (ack as Answer)(result);
    };
    if (!this.#bucket.take()) {
      answer(toAnswer(new AppError('too-many')));
      if (++this.#refused > maxRefused) socket.disconnect(true);
      return;
    }
    if (!known) {
      answer(toAnswer(new AppError('bad-request', 'There is no such event.')));
      return;
    }
    const payload = args.length > 1 ? args[0] : {};
    const run = (): Promise<void> => this.#run(known, payload, answer);
    if (besides?.(known)) void run();
    else this.#queue = this.#queue.then(run);
  }

  /** Never rejects. */
  async #run(event: E, payload: unknown, answer: Answer): Promise<void> {
    const { socket, handle, logger } = this.#options;
    if (socket.disconnected) return;
    try {
      answer({ ok: true, data: await handle(event, payload) });
    } catch (err) {
      const error = toAppError(err);
      if (isOurFault(error)) logger.error({ event, err }, 'a client event failed');
      else logger.debug({ event, code: error.code, err }, 'a client event was refused');
      answer(toAnswer(error));
    }
  }
}
