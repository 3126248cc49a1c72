/** The HTTP side of one webhook. In: a body and its headers. Out: what came of it. Next: EndpointQueue.ts decides what follows. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { AppError } from '../contracts/errors.ts';
import { retryAfterOf } from './backoff.ts';
import { isUnresolvedHost, type PinnedAddress } from './webhookPolicy.ts';

/** From the name's look-up to the end of the answer, ms; receivers answer first and work later. */
const ATTEMPT_MS = 10_000;
/** Shorter than most servers keep an idle connection (nginx 75 s, Node 5 s), ms. */
const IDLE_MS = 4_000;
/** What is read of an answer's body, so that the connection can be used again; of a longer one it is closed. */
const MAX_ANSWER_BYTES = 64 * 1024;

export const POST_OUTCOMES = ['accepted', 'refused', 'redirected', 'timeout', 'unreachable', 'forbidden'] as const;
export type PostOutcome = (typeof POST_OUTCOMES)[number];

export interface PostResult {
  outcome: PostOutcome;
  /** Of the answer; null when there was none. */
  status: number | null;
  /** In a sentence; empty when accepted. */
  reason: string;
  retryAfterMs: number | null;
}

export interface WebhookClientOptions {
  url: URL;
  /** Throws AppError `webhook-refused`. */
  addresses: (url: URL) => Promise<PinnedAddress[]>;
  /** Connections at the same time. */
  concurrency: number;
  attemptMs?: number;
}

export class WebhookClient {
  readonly #options: WebhookClientOptions;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #closing = new AbortController();
  /** One look-up at a time: each holds a thread of the pool, as long as a dead resolver takes. */
  #lookingUp: Promise<PinnedAddress[]> | undefined;

  constructor(options: WebhookClientOptions) {
    this.#options = options;
    const kept = { keepAlive: true, timeout: IDLE_MS, maxSockets: options.concurrency };
    this.#agent = options.url.protocol === 'https:' ? new HttpsAgent(kept) : new HttpAgent(kept);
  }

  /** Posts once. Never throws; a redirect is not followed, and 2xx alone is acceptance. */
  async post(body: string, headers: Record<string, string>): Promise<PostResult> {
    const { attemptMs = ATTEMPT_MS } = this.#options;
    const limit = AbortSignal.timeout(attemptMs);
    const signal = AbortSignal.any([limit, this.#closing.signal]);
    try {
      const addresses = await untilAborted(this.#lookUp(), signal);
      const answer = await this.#send(body, headers, addresses, signal);
      await drain(answer, signal);
      return judge(answer);
    } catch (error) {
      if (error instanceof AppError)
        return failure(isUnresolvedHost(error) ? 'unreachable' : 'forbidden', error.message);
      if (limit.aborted) return failure('timeout', `There was no answer within ${attemptMs / 1000} s.`);
      return failure('unreachable', `The connection failed (${(error as NodeJS.ErrnoException).code ?? 'closed'}).`);
    }
  }

  #lookUp(): Promise<PinnedAddress[]> {
    this.#lookingUp ??= this.#options.addresses(this.#options.url).finally(() => {
      this.#lookingUp = undefined;
    });
    return this.#lookingUp;
  }

  async #send(
    body: string,
    headers: Record<string, string>,
    addresses: readonly PinnedAddress[],
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { url } = this.#options;
    const post = url.protocol === 'https:' ? httpsRequest : httpRequest;
    for (;;) {
      const request = post(url, {
        method: 'POST',
        agent: this.#agent,
        lookup: pinned(addresses),
        signal,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
      });
      try {
        return await new Promise<IncomingMessage>((resolve, reject) => {
          request.once('response', resolve);
          request.on('error', reject);
          request.end(body);
        });
      } catch (error) {
        // Race: the other end closed an idle connection while we took it for use. It is no failure; a fresh one is tried.
        if (!request.reusedSocket || signal.aborted) throw error;
      }
    }
  }

  /** What is under way fails. Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#agent.destroy();
  }
}

const failure = (outcome: PostOutcome, reason: string): PostResult => ({
  ...{ outcome, reason },
  ...{ status: null, retryAfterMs: null },
});

function judge({ statusCode: status = 0, headers }: IncomingMessage): PostResult {
  if (status >= 200 && status < 300) return { outcome: 'accepted', status, reason: '', retryAfterMs: null };
  if (status >= 300 && status < 400)
    return {
      outcome: 'redirected',
      status,
      reason: `It answered ${status}; redirects are not followed.`,
      retryAfterMs: null,
    };
  return {
    outcome: 'refused',
    status,
    reason: `It answered ${status}.`,
    retryAfterMs: retryAfterOf(headers['retry-after'], Date.now()),
  };
}

/** Whatever name the connection is to: it goes to one of these. */
function pinned(addresses: readonly PinnedAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all) callback(null, [...addresses]);
    else if (first) callback(null, first.address, first.family);
    else callback(new Error('no address'), '', 4);
  };
}

/** Resolves when the body is over, too long, or takes too long: the status counts, whatever follows it. */
function drain(answer: IncomingMessage, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const cut = () => answer.destroy();
    signal.addEventListener('abort', cut, { once: true });
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) cut();
    });
    answer.on('error', () => {});
    answer.once('close', () => {
      signal.removeEventListener('abort', cut);
      resolve();
    });
    if (signal.aborted) cut();
  });
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
