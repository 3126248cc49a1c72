import { io, type Socket } from 'socket.io-client';
import type { z } from 'zod';
import type {
  Ack,
  ClientAnswers,
  ClientEvent,
  ClientPayloads,
  JoinAnswer,
  NewConsumer,
  ServerToClient,
} from '../../src/contracts/signaling.ts';

/** No wait of a test is bounded by speed: only a hang meets this, ms. */
const LIMIT_MS = 20_000;

type EventArg<E extends keyof ServerToClient> = Parameters<ServerToClient[E]>[0];

/** What `call` throws when the server answers with an error. */
export class CallError extends Error {
  readonly code: string;
  constructor(error: { code: string; message: string }) {
    super(`${error.code}: ${error.message}`);
    this.code = error.code;
  }
}

/** A real socket.io client that remembers every event, so that none is missed between two awaits. */
export class SignalingClient {
  readonly socket: Socket;
  readonly events: { name: string; arg: unknown }[] = [];
  #taken = 0;
  readonly #waiting = new Set<() => void>();
  /** Answers `consumer:new`; the default builds everything. */
  onConsumer: (consumer: NewConsumer) => boolean | undefined = () => true;
  joined!: JoinAnswer;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.onAny((name: string, arg: unknown, ack?: (built: boolean) => void) => {
      if (name === 'consumer:new') {
        const built = this.onConsumer(arg as NewConsumer);
        if (built !== undefined) ack?.(built);
      }
      this.#push(name, arg);
    });
    socket.on('disconnect', (reason) => this.#push('disconnect', reason));
  }

  #push(name: string, arg: unknown): void {
    this.events.push({ name, arg });
    for (const look of [...this.#waiting]) look();
  }

  /** Rejects with a CallError when the server refuses. */
  static connect(
    url: string,
    {
      token,
      protocol = 1,
      headers,
      room,
    }: { token: unknown; protocol?: number; headers?: Record<string, string>; room?: string },
  ): Promise<SignalingClient> {
    const socket = io(url, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      auth: { token, protocol },
      ...(room ? { query: { room } } : {}),
      ...(headers ? { extraHeaders: headers } : {}),
    });
    const client = new SignalingClient(socket);
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(client));
      socket.once('connect_error', (error) => {
        socket.close();
        const { data } = error as Error & { data?: { code: string; message: string } };
        reject(data ? new CallError(data) : error);
      });
    });
  }

  get id(): string {
    return this.joined.self.id;
  }

  async join(wishes: z.input<(typeof ClientPayloads)['join']> = {}): Promise<JoinAnswer> {
    this.joined = await this.call('join', wishes);
    return this.joined;
  }

  async call<E extends ClientEvent>(event: E, payload: unknown = {}): Promise<ClientAnswers[E]> {
    const answer = (await this.socket.timeout(LIMIT_MS).emitWithAck(event, payload)) as Ack<ClientAnswers[E]>;
    if (!answer.ok) throw new CallError(answer.error);
    return answer.data;
  }

  /** The error code that the server answers. Throws when it does not refuse. */
  async refusal(event: string, payload: unknown = {}): Promise<string> {
    const answer = (await this.socket.timeout(LIMIT_MS).emitWithAck(event, payload)) as Ack<unknown>;
    if (answer.ok) throw new Error(`${event} was not refused`);
    return answer.error.code;
  }

  /** The next event of this name that is like `match`, also one that has come since the last `next` that took one. */
  async next<E extends keyof ServerToClient>(name: E, match?: (arg: EventArg<E>) => boolean): Promise<EventArg<E>>;
  async next(name: 'disconnect'): Promise<string>;
  async next(name: string, match: (arg: never) => boolean = () => true): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        for (let i = this.#taken; i < this.events.length; i++) {
          const event = this.events[i];
          if (event?.name !== name || !match(event.arg as never)) continue;
          this.#taken = i + 1;
          end(() => resolve(event.arg));
          return;
        }
      };
      const timer = setTimeout(() => {
        const seen = this.events.slice(this.#taken).map((e) => e.name);
        end(() => reject(new Error(`no ${name} came; instead: ${seen.join(', ')}`)));
      }, LIMIT_MS);
      const end = (act: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        act();
      };
      this.#waiting.add(look);
      look();
    });
  }

  close(): void {
    this.socket.close();
  }
}
