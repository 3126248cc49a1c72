/** A user's own server that gets webhooks: a real one, that also fails, hangs, redirects and goes away when it is told to. */
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebhookEvent } from '../../../src/contracts/webhooks.ts';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  /** As it came. */
  body: string;
  event: WebhookEvent;
  /** What was answered; undefined while it hangs, or when the connection was cut. */
  status: number | undefined;
}

/** A status, or: no answer at all; the connection is cut; a redirect to there. */
export type Answer =
  | number
  | 'hang'
  | 'cut'
  | { redirect: string }
  | { status: number; headers: Record<string, string> };

export class WebhookReceiver {
  /** Every request, in the order in which it was read whole. */
  readonly requests: Received[] = [];
  /** Decides what is answered. */
  answer: (event: WebhookEvent, request: Received) => Answer | Promise<Answer> = () => 200;
  /** The most requests that were under way at the same time, of each room. */
  readonly mostAtOnce = new Map<string, number>();
  readonly #now = new Map<string, number>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();
  readonly port: number;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (request, response) => void this.#onRequest(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** On the same port after a while away, with `port`. */
  static async start(port = 0): Promise<WebhookReceiver> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new WebhookReceiver(server);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const event = WebhookEvent.parse(JSON.parse(body));
    const received: Received = { path: request.url ?? '', headers: request.headers, body, event, status: undefined };
    const atOnce = (this.#now.get(event.room) ?? 0) + 1;
    this.#now.set(event.room, atOnce);
    this.mostAtOnce.set(event.room, Math.max(atOnce, this.mostAtOnce.get(event.room) ?? 0));
    this.requests.push(received);
    const answer = await this.answer(event, received);
    response.once('close', () => this.#now.set(event.room, (this.#now.get(event.room) ?? 1) - 1));
    if (answer === 'cut') request.socket.destroy();
    else if (typeof answer === 'number') received.status = answer;
    else if (answer !== 'hang') received.status = 'redirect' in answer ? 302 : answer.status;
    const headers =
      typeof answer === 'object' && ('redirect' in answer ? { location: answer.redirect } : answer.headers);
    if (received.status) response.writeHead(received.status, headers || {}).end('thank you');
    for (const look of this.#waiting) look();
  }

  /** Those that were answered with 2xx. */
  get accepted(): WebhookEvent[] {
    return this.requests.filter(({ status }) => status && status < 300).map(({ event }) => event);
  }

  /** Resolves as soon as `done` is true of what was received. */
  async until(done: (receiver: this) => boolean, limitMs = 8_000): Promise<void> {
    if (done(this)) return;
    let limit: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const look = () => {
          if (done(this)) resolve();
        };
        this.#waiting.add(look);
        const seen = () => this.requests.map((r) => `${r.event.type} ${r.event.room} ${r.status}`).join('\n');
        limit = setTimeout(() => reject(new Error(`not received within ${limitMs} ms; received:\n${seen()}`)), limitMs);
      });
    } finally {
      clearTimeout(limit);
      this.#waiting.clear();
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }
}
