/**
 * Recordings that are on other delivery nodes. In: a viewer's request for one that is not here. Out: that node's answer, passed through; it
 * checks the playback token, which is in the path. All other nodes are asked who has it, and that is remembered for a while.
 */
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { AppError } from '../../contracts/errors.ts';
import type { RecordingId } from '../../contracts/ids.ts';

/** To say that it has a recording, ms; and to begin an answer: a file may be in a slow store. */
const FIND_LIMIT_MS = 5_000;
const ANSWER_LIMIT_MS = 30_000;
/** A recording that moves with its broadcast is finished by then, ms. */
const REMEMBERED_MS = 60_000;
const PASSED_ON = ['range', 'if-range', 'if-none-match'] as const;
const PASSED_BACK = [
  'content-type',
  'content-length',
  'content-range',
  'accept-ranges',
  'etag',
  'cache-control',
  'vary',
];

export interface RecordingsElsewhereOptions {
  /** Base URLs of the other nodes' internal ports. */
  urls: () => readonly string[];
  newServiceToken: () => Promise<string>;
}

export class RecordingsElsewhere {
  readonly #options: RecordingsElsewhereOptions;
  readonly #known = new LRUCache<RecordingId, string>({ max: 10_000, ttl: REMEMBERED_MS });

  constructor(options: RecordingsElsewhereOptions) {
    this.#options = options;
  }

  /** Throws `not-found` when nobody has it, `bad-upstream` when who has it does not answer. */
  async serve(id: RecordingId, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const owner = this.#known.get(id) ?? (await this.#find(id));
    this.#known.set(id, owner);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const limit = setTimeout(() => gone.abort(), ANSWER_LIMIT_MS);
    let response: Response;
    try {
      const headers: Record<string, string> = { 'accept-encoding': 'identity' };
      for (const name of PASSED_ON) if (request.headers[name]) headers[name] = String(request.headers[name]);
      response = await fetch(owner + request.url, { method: request.method, headers, signal: gone.signal });
    } catch (error) {
      this.#known.delete(id);
      throw new AppError('bad-upstream', undefined, { cause: error });
    } finally {
      clearTimeout(limit);
    }
    reply.code(response.status);
    for (const name of PASSED_BACK) {
      const value = response.headers.get(name);
      if (value !== null) reply.header(name, value);
    }
    return reply.send(response.body ? Readable.fromWeb(response.body as ReadableStream) : undefined);
  }

  async #find(id: RecordingId): Promise<string> {
    const { urls, newServiceToken } = this.#options;
    const headers = { authorization: `Bearer ${await newServiceToken()}` };
    const asked = urls().map(async (url) => {
      const signal = AbortSignal.timeout(FIND_LIMIT_MS);
      const response = await fetch(`${url}/delivery/recordings/${id}`, { headers, signal });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      return url;
    });
    return Promise.any(asked).catch(() => {
      throw new AppError('not-found', 'There is no such recording.');
    });
  }
}
