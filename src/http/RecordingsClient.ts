/** Asks the delivery node about recordings, on its internal port (delivery/recording/recordingControl.ts). */
import type { z } from 'zod';
import { AppError, ERRORS, type ErrorCode } from '../contracts/errors.ts';
import type { RecordingId } from '../contracts/ids.ts';
import { Recording, RecordingEventList, RecordingList, type RecordingQuery } from '../contracts/recording.ts';

/** Everything is in a database there; a deletion of many files takes its time, ms. */
const ANSWER_LIMIT_MS = 60_000;
/** How long delivery holds the question for events. */
const EVENT_WAIT_SECONDS = 25;

export interface RecordingsClientOptions {
  /** Base URL of the delivery node's internal port, without a slash at the end. */
  deliveryUrl: () => string;
  newServiceToken: () => Promise<string>;
}

export class RecordingsClient {
  readonly #options: RecordingsClientOptions;

  constructor(options: RecordingsClientOptions) {
    this.#options = options;
  }

  async list(query: RecordingQuery): Promise<Recording[]> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
    return (await this.#ask('GET', `?${parameters}`, RecordingList)).recordings;
  }

  async get(id: RecordingId): Promise<Recording> {
    return this.#ask('GET', `/${id}`, Recording);
  }

  async delete(id: RecordingId): Promise<void> {
    await this.#send('DELETE', `/${id}`);
  }

  /** Waits for an event after number `after`, for half a minute at most; `null` asks for the newest number only. */
  async events(after: number | null, signal: AbortSignal): Promise<z.output<typeof RecordingEventList>> {
    const query = after === null ? 'after=0&waitSeconds=0' : `after=${after}&waitSeconds=${EVENT_WAIT_SECONDS}`;
    return this.#ask('GET', `/events?${query}`, RecordingEventList, signal);
  }

  async #ask<T extends z.ZodType>(method: string, path: string, schema: T, signal?: AbortSignal): Promise<z.output<T>> {
    return schema.parse(await (await this.#send(method, path, signal)).json());
  }

  async #send(method: string, path: string, signal?: AbortSignal): Promise<Response> {
    const { deliveryUrl, newServiceToken } = this.#options;
    let response: Response;
    try {
      response = await fetch(`${deliveryUrl()}/delivery/recordings${path}`, {
        method,
        headers: { authorization: `Bearer ${await newServiceToken()}` },
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
