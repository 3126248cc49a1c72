/**
 * HTTP PUT over kept connections, for DeliverySink.ts: a part every third of a second for each rendition. node:http itself: the
 * streams and signals of `fetch` were up to 1 % of a core.
 */
import { Agent, type ClientRequest, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';

/** An answer is an error code at most; what is longer is no answer of ours, octets. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface PutAnswer {
  status: number;
  text: string;
}

export class PutClient {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #secureAgent = new SecureAgent({ keepAlive: true });
  readonly #timeoutMs: number;
  readonly #running = new Set<ClientRequest>();
  #closed = false;

  /** `timeoutMs`: from the call to the end of the answer. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects when there is no whole answer: no connection, time over, closed. */
  put(url: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<PutAnswer> {
    if (this.#closed) return Promise.reject(new Error('the client is closed'));
    const secure = url.startsWith('https:');
    const options = {
      method: 'PUT',
      agent: secure ? this.#secureAgent : this.#agent,
      headers: { ...headers, 'content-length': String(body.length) },
    };
    const outgoing = secure ? secureRequest(url, options) : request(url, options);
    this.#running.add(outgoing);
    const timer = setTimeout(() => outgoing.destroy(new Error('no answer in time')), this.#timeoutMs);
    return new Promise<PutAnswer>((resolve, reject) => {
      outgoing.on('error', reject);
      outgoing.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
          if (text.length > MAX_ANSWER_BYTES) outgoing.destroy(new Error('the answer is too long'));
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      outgoing.end(body);
    }).finally(() => {
      clearTimeout(timer);
      this.#running.delete(outgoing);
    });
  }

  /** Ends what is under way. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const outgoing of this.#running) outgoing.destroy(new Error('the client is closed'));
    this.#agent.destroy();
    this.#secureAgent.destroy();
  }
}
