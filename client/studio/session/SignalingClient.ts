import { io, type Socket } from 'socket.io-client';
import type {
  Ack,
  ClientAnswers,
  ClientEvent,
  ClientToServer,
  ServerToClient,
} from '../../../src/contracts/signaling.ts';
import { OLDEST_PROTOCOL, PROTOCOL } from '../../shared/contract.ts';
import { ProblemError, problemOfCode } from '../../shared/problems.ts';

/** The server answers within milliseconds; this long means that the connection is dead, ms. */
const ANSWER_TIMEOUT_MS = 10_000;
const RECONNECT_FIRST_MS = 300;
const RECONNECT_MOST_MS = 4_000;

type Payload<E extends ClientEvent> = Parameters<ClientToServer[E]>[0];

/** The socket of the signalling contract, with questions as promises. socket.io reconnects by itself. */
export class SignalingClient {
  readonly socket: Socket<ServerToClient, ClientToServer>;
  #token: string;
  #protocol = PROTOCOL;

  /** `room`: says to a fleet of servers which of them it is for; who may come in is the token's to say. */
  constructor(room: string, token: string) {
    this.#token = token;
    this.socket = io({
      path: '/socket.io',
      query: { room },
      transports: ['websocket'],
      auth: (give) => give({ token: this.#token, protocol: this.#protocol }),
      autoConnect: false,
      reconnectionDelay: RECONNECT_FIRST_MS,
      reconnectionDelayMax: RECONNECT_MOST_MS,
      // A page that lives longer than one socket must never share the manager with an older one.
      forceNew: true,
    });
  }

  /** Asks and awaits the ack. Throws ProblemError with the server's code, or `connection-lost`. */
  async request<E extends ClientEvent>(event: E, payload: Payload<E>): Promise<ClientAnswers[E]> {
    // What socket.io buffers while it is offline would arrive in the next connection, where it means nothing.
    if (!this.socket.connected) throw new ProblemError('connection-lost');
    let answer: Ack<ClientAnswers[E]>;
    try {
      const emitter = this.socket.timeout(ANSWER_TIMEOUT_MS) as unknown as {
        emitWithAck(event: string, payload: unknown): Promise<Ack<ClientAnswers[E]>>;
      };
      answer = await emitter.emitWithAck(event, payload);
    } catch (cause) {
      throw new ProblemError('connection-lost', '', { cause });
    }
    if (answer.ok) return answer.data;
    const problem = problemOfCode(answer.error.code, answer.error.message);
    throw new ProblemError(problem.code, problem.detail);
  }

  /** For the next connection. */
  setToken(token: string): void {
    this.#token = token;
  }

  /**
   * The server let us not in, with this code. True: it may be one of the version before, as there are in the middle of an upgrade, and is
   * being asked again with its protocol number; once.
   */
  asksOlder(code: string): boolean {
    if (code !== 'bad-request' || this.#protocol === OLDEST_PROTOCOL) return false;
    this.#protocol = OLDEST_PROTOCOL;
    this.socket.connect();
    return true;
  }

  /** Drops this connection and makes a new one: the way to a clean start on both sides. */
  renew(): void {
    this.socket.disconnect();
    this.socket.connect();
  }

  close(): void {
    this.socket.removeAllListeners();
    this.socket.disconnect();
  }
}
