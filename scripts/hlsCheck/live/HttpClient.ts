/**
 * HTTP as a checker needs it: the headers and bytes as they came over the wire, and when. `fetch` would decode and follow. Knows
 * nothing of HLS.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { gunzipSync } from 'node:zlib';

/** Longer than any server may hold a request: three target durations of 6 s, and some, ms. */
const LIMIT_MS = 30_000;

export interface Answer {
  url: string;
  status: number;
  headers: Readonly<Record<string, string>>;
  /** As it came, content coding and all. */
  raw: Buffer;
  /** Without content coding. */
  body: Buffer;
  /** Monotonic, ms. */
  sentAt: number;
  firstByteAt: number;
  endAt: number;
}

export interface AskOptions {
  method?: 'GET' | 'HEAD' | 'OPTIONS';
  headers?: Record<string, string>;
}

export class HttpClient {
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #https = new HttpsAgent({ keepAlive: true });
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Rejects only when there is no answer at all. */
  ask(url: string, { method = 'GET', headers = {} }: AskOptions = {}): Promise<Answer> {
    const sentAt = performance.now();
    const secure = url.startsWith('https:');
    return new Promise((resolve, reject) => {
      const request: ClientRequest = (secure ? httpsRequest : httpRequest)(
        url,
        { method, headers, agent: secure ? this.#https : this.#http, signal: this.#signal },
        (response) => {
          read(response, url, sentAt).then(resolve, reject);
        },
      );
      request.setTimeout(LIMIT_MS, () => request.destroy(new Error(`${url}: no answer within ${LIMIT_MS} ms`)));
      request.once('error', reject);
      request.end();
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

async function read(response: IncomingMessage, url: string, sentAt: number): Promise<Answer> {
  const firstByteAt = performance.now();
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
  const body = headers['content-encoding'] === 'gzip' && raw.length > 0 ? gunzipSync(raw) : raw;
  return { url, status: response.statusCode ?? 0, headers, raw, body, sentAt, firstByteAt, endAt: performance.now() };
}

/** `max-age` of an answer, seconds; 0 where it may not be kept, null where nothing is said. */
export function maxAgeOf({ headers }: Answer): number | null {
  const control = headers['cache-control'];
  if (control === undefined) return null;
  if (/no-store|no-cache|private/.test(control)) return 0;
  const age = /(?:^|[\s,])max-age=(\d+)/.exec(control)?.[1];
  return age === undefined ? null : Number(age);
}
