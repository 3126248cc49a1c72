/**
 * Asks delivery nodes about recordings, on their internal ports (delivery/recording/recordingControl.ts). A recording is on the node that
 * had its broadcast: all are asked, and what one of them has is the answer.
 */
import type { z } from 'zod';
import { AppError, ERRORS, type ErrorCode } from '../contracts/errors.ts';
import type { RecordingId } from '../contracts/ids.ts';
import { Recording, RecordingEventList, RecordingList, RecordingQuery } from '../contracts/recording.ts';

/** Everything is in a database there; a deletion of many files takes its time, ms. */
const ANSWER_LIMIT_MS = 60_000;
/** How long delivery holds the question for events. */
const EVENT_WAIT_SECONDS = 25;

export interface RecordingsClientOptions {
  /** Base URLs of the delivery nodes' internal ports, without a slash at the end; asked at each request. */
  deliveryUrls: () => readonly string[];
  newServiceToken: () => Promise<string>;
}

export class RecordingsClient {
  readonly #options: RecordingsClientOptions;

  constructor(options: RecordingsClientOptions) {
    this.#options = options;
  }

  /** Of all nodes that answer; throws when none does. */
  async list(query: RecordingQuery): Promise<Recording[]> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
    const lists = await this.#askAll((url) => this.#ask(url, 'GET', `?${parameters}`, RecordingList));
    // One that is just being moved from one node to another is on both.
    const all = new Map(lists.flatMap(({ value }) => value.recordings).map((recording) => [recording.id, recording]));
    const newest = [...all.values()].sort((a, b) => b.startedAt - a.startedAt);
    return newest.slice(0, RecordingQuery.parse(query).limit);
  }

  async get(id: RecordingId): Promise<Recording> {
    const [first] = await this.#askAll((url) => this.#ask(url, 'GET', `/${id}`, Recording));
    if (!first) throw new AppError('not-found', 'There is no such recording.');
    return first.value;
  }

  async delete(id: RecordingId): Promise<void> {
    const having = await this.#askAll((url) => this.#ask(url, 'GET', `/${id}`, Recording));
    if (having.length === 0) throw new AppError('not-found', 'There is no such recording.');
    for (const { url } of having) await this.#send(url, 'DELETE', `/${id}`);
  }

  /** Of one node: waits for an event after number `after`, for half a minute at most; `null` asks for the newest number only. */
  async events(url: string, after: number | null, signal: AbortSignal): Promise<z.output<typeof RecordingEventList>> {
    const query = after === null ? 'after=0&waitSeconds=0' : `after=${after}&waitSeconds=${EVENT_WAIT_SECONDS}`;
    return this.#ask(url, 'GET', `/events?${query}`, RecordingEventList, signal);
  }

  /**
   * The answers of those who have one. Throws what a node says that is not `not-found`; that it can not be reached only when no other
   * has an answer.
   */
  async #askAll<T>(ask: (url: string) => Promise<T>): Promise<{ url: string; value: T }[]> {
    const urls = this.#options.deliveryUrls();
    if (urls.length === 0) throw new AppError('internal', 'No delivery node is there at the moment.');
    const answers = await Promise.allSettled(urls.map(async (url) => ({ url, value: await ask(url) })));
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const failed = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
    const isElsewhere = (error: unknown): boolean => error instanceof AppError && error.code === 'not-found';
    const worst = failed.find((error) => !isElsewhere(error));
    if (found.length === 0 && worst !== undefined) throw worst;
    return found;
  }

  async #ask<T extends z.ZodType>(
    url: string,
    method: string,
    path: string,
    schema: T,
    signal?: AbortSignal,
  ): Promise<z.output<T>> {
    return schema.parse(await (await this.#send(url, method, path, signal)).json());
  }

  async #send(url: string, method: string, path: string, signal?: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${url}/delivery/recordings${path}`, {
        method,
        headers: { authorization: `Bearer ${await this.#options.newServiceToken()}` },
        signal: AbortSignal.any([AbortSignal.timeout(ANSWER_LIMIT_MS), ...(signal ? [signal] : [])]),
      });
    } catch (error) {
      throw new AppError('internal', 'The delivery node can not be reached.', { cause: error });
    }
    if (response.ok) return response;
    throw await errorOf(response);
  }
}

/** What delivery says to a caller is for the caller of the API, too; what it has against us is not. */
async function errorOf(response: Response): Promise<AppError> {
  const text = await response.text();
  const { code, message } = parseError(text);
  const known = code !== undefined && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : undefined;
  if (known && response.status !== 401) return new AppError(known, message);
  return new AppError('internal', 'The delivery node did not answer as it should.', { cause: new Error(text) });
}

function parseError(text: string): { code?: string; message?: string } {
  try {
    return (JSON.parse(text) as { error?: { code?: string; message?: string } }).error ?? {};
  } catch {
    return {};
  }
}
