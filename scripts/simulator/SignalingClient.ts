import { decodeJwt } from 'jose';
import { io, type Socket } from 'socket.io-client';
import type { z } from 'zod';
import { OLDEST_PROTOCOL, PROTOCOL } from '../../src/contracts/ids.ts';
import type {
  Ack,
  ClientAnswers,
  ClientEvent,
  ClientPayloads,
  ClientToServer,
  ServerToClient,
} from '../../src/contracts/signaling.ts';

/** An answer later than this means that the server hangs, ms. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Refusals that pass: the room is on its way to another node, or the server is being replaced. */
const PASSING = new Set(['wrong-node', 'directory-unavailable', 'shutting-down']);
/** After one of those it comes again, ms. */
const RETRY_MS = 300;

/** The server said no: `code` is the contract's. */
export class SignalingError extends Error {
  override name = 'SignalingError';
  readonly code: string;
  constructor(event: string, { code, message }: { code: string; message: string }) {
    super(`${event}: ${message} (${code})`);
    this.code = code;
  }
}

const isPassing = (error: Error): boolean =>
  PASSING.has(String((error as Error & { data?: { code?: unknown } }).data?.code));

/** For the way to the room's home; empty when it is not one of the server's tokens, which says so itself. */
function roomOf(token: string): string {
  try {
    return String(decodeJwt(token).room ?? '');
  } catch {
    return '';
  }
}

/** The socket of one peer, with the contract's types. */
export class SignalingClient {
  readonly #socket: Socket<ServerToClient, ClientToServer>;
  #protocol = PROTOCOL;
  /** The refusal after which it was asked again. */
  #answered: Error | undefined;
  #retry: NodeJS.Timeout | undefined;

  /** Connects at once, and again whenever the connection drops. */
  constructor(url: string, token: string) {
    this.#socket = io(url, {
      query: { room: roomOf(token) },
      transports: ['websocket'],
      forceNew: true,
      autoConnect: false,
      auth: (give) => give({ token, protocol: this.#protocol }),
      reconnectionDelay: 200,
      reconnectionDelayMax: 2000,
    });
    this.#socket.on('connect_error', (error) => {
      // A server of the version before is asked again with its number, once.
      const { code } = (error as { data?: { code?: unknown } }).data ?? {};
      if (code !== 'bad-request' || this.#protocol === OLDEST_PROTOCOL) return;
      this.#protocol = OLDEST_PROTOCOL;
      this.#answered = error;
      this.#socket.connect();
    });
    this.#socket.on('moved', () => this.#socket.disconnect().connect());
    this.#socket.on('connect_error', (error) => {
      // Who was let in nowhere at all is not asked for again by socket.io.
      if (isPassing(error)) this.#retry = setTimeout(() => this.#socket.connect(), RETRY_MS);
    });
  }

  open(): void {
    this.#socket.connect();
  }

  get connected(): boolean {
    return this.#socket.connected;
  }

  /** At first and after each reconnect. */
  onConnect(listener: () => void): void {
    this.#socket.on('connect', listener);
  }

  /** The connection is gone, whoever ended it; not after `close`. */
  onDisconnect(listener: () => void): void {
    this.#socket.on('disconnect', listener);
  }

  /** The connection could not be made, or was refused; `final` when socket.io will not try again. */
  onRefused(listener: (error: Error, final: boolean) => void): void {
    this.#socket.on('connect_error', (error) => {
      if (error !== this.#answered) listener(error, !this.#socket.active && !isPassing(error));
    });
  }

  on<E extends keyof ServerToClient>(event: E, listener: ServerToClient[E]): void {
    this.#socket.on(event, listener as never);
  }

  async request<E extends ClientEvent>(
    event: E,
    payload: z.input<(typeof ClientPayloads)[E]>,
  ): Promise<ClientAnswers[E]> {
    const socket = this.#socket.timeout(ANSWER_TIMEOUT_MS) as unknown as {
      emitWithAck(event: string, payload: unknown): Promise<Ack<ClientAnswers[E]>>;
    };
    const answer = await socket.emitWithAck(event, payload);
    if (answer.ok) return answer.data;
    throw new SignalingError(event, answer.error);
  }

  /** Without a word, as when the network goes: the server keeps the seat for a while. Idempotent. */
  close(): void {
    clearTimeout(this.#retry);
    this.#socket.removeAllListeners();
    this.#socket.disconnect();
  }
}
