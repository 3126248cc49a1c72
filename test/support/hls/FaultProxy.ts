/** Stands before a server and passes everything on, with what a test wants to be wrong with it. */
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface Exchange {
  method: string;
  /** Path and query, as they were asked for. */
  url: string;
  /** 0: the connection is cut. */
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  /** How often this method and URL have been asked for, from 1. */
  times: number;
}

export interface Faults {
  /** Another path and query to ask upstream. */
  ask?: (url: string) => string;
  /** Changes the answer in place, before any content coding; a promise holds it. */
  answer?: (exchange: Exchange) => void | Promise<void>;
}

export class FaultProxy {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(upstream: string, faults: Faults = {}): Promise<FaultProxy> {
    const counts = new Map<string, number>();
    const server = createServer(async (request, response) => {
      const { method = 'GET', url = '/' } = request;
      const times = (counts.get(`${method} ${url}`) ?? 0) + 1;
      counts.set(`${method} ${url}`, times);
      try {
        const given = await ask(upstream + (faults.ask?.(url) ?? url), request);
        const exchange = { method, url, times, ...given };
        await faults.answer?.(exchange);
        const { headers, status, body } = exchange;
        const coded = headers['content-encoding'] === 'gzip' ? gzipSync(body) : body;
        if (status === 0) return void response.destroy();
        if (headers['content-length'] !== undefined && method === 'GET')
          headers['content-length'] = String(coded.length);
        response.writeHead(status, headers).end(method === 'HEAD' ? undefined : coded);
      } catch {
        response.destroy();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultProxy(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Of the connection, not of the answer. */
const HOP = ['connection', 'keep-alive', 'transfer-encoding', 'date'];

async function ask(url: string, { method, headers }: IncomingMessage) {
  const passed = { ...headers, host: new URL(url).host, origin: new URL(url).origin };
  const gzip = /gzip/.test(String(headers['accept-encoding']));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(url, {
      method: method ?? 'GET',
      headers: { ...passed, 'accept-encoding': 'identity' },
    });
    request.once('response', resolve).once('error', reject).end();
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) if (!HOP.includes(name)) given[name] = String(value);
  const body: Buffer = Buffer.concat(chunks);
  // Changed texts have another length, and their own coding.
  if (given['content-type']?.includes('mpegurl')) {
    delete given['content-length'];
    given.vary = 'accept-encoding';
    if (gzip) given['content-encoding'] = 'gzip';
  }
  return { status: response.statusCode ?? 0, headers: given, body };
}

/** Changes an answer's text. */
export function rewrite(exchange: Exchange, change: (text: string) => string): void {
  exchange.body = Buffer.from(change(exchange.body.toString()));
}
