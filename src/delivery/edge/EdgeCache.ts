/**
 * The owner's answers, as long as they are true and there is room, and at most one request for each that is on its way, however many
 * wait for it. In: keys (paths). Out: answers. Next: Edge.ts.
 *
 * Who comes while a request is on its way shares its answer, also one that may not be kept (RFC 9111 section 4). A failure to reach the
 * owner is shared so, too, and never kept.
 */
import { LRUCache } from 'lru-cache';
import { AppError } from '../../contracts/errors.ts';
import type { EdgeMetrics } from '../metrics.ts';
import { type UpstreamAnswer, UpstreamError } from './Upstream.ts';

/** What an entry costs beside its bytes: key, headers, compressed texts. */
const ENTRY_BYTES = 2_048;
/** An answer for ever is kept this long: nobody asks for a segment after that, s. */
const IMMUTABLE_SECONDS = 3_600;

type Kept = { answer: UpstreamAnswer } | { error: UpstreamError };

interface Flight {
  answer: Promise<UpstreamAnswer>;
  waiting: number;
  abort: AbortController;
}

export interface EdgeCacheOptions {
  maxBytes: number;
  /** Requests on their way to owners at the same time. */
  maxFlights: number;
  metrics: EdgeMetrics;
}

export interface Received extends UpstreamAnswer {
  /** What is left of its freshness, s; of `immutable` and 0 nothing is taken away. */
  freshness: UpstreamAnswer['freshness'];
}

export class EdgeCache {
  readonly #options: EdgeCacheOptions;
  readonly #kept: LRUCache<string, Kept>;
  readonly #flights = new Map<string, Flight>();

  constructor(options: EdgeCacheOptions) {
    this.#options = options;
    this.#kept = new LRUCache<string, Kept>({
      maxSize: options.maxBytes,
      sizeCalculation: (kept) => ENTRY_BYTES + ('answer' in kept ? kept.answer.bytes.length : 0),
    });
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#kept.calculatedSize;
  }

  /** Requests that are on their way. */
  get flights(): number {
    return this.#flights.size;
  }

  /**
   * Rejects with what `ask` rejects with, and with `signal.reason` as soon as that is aborted. `ask` is aborted when nobody waits for it any
   * more. Throws `no-capacity` when too much is on its way.
   */
  async get(
    key: string,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<UpstreamAnswer>,
  ): Promise<Received> {
    const { metrics } = this.#options;
    const kept = this.#kept.get(key);
    if (kept) {
      metrics.requests.inc({ result: 'hit' });
      if ('error' in kept) throw kept.error;
      return this.#withRest(key, kept.answer);
    }
    signal.throwIfAborted();
    const there = this.#flights.get(key);
    metrics.requests.inc({ result: there ? 'shared' : 'miss' });
    const flight = there ?? this.#start(key, ask);
    flight.waiting += 1;
    try {
      return await unlessAborted(flight.answer, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0 && this.#flights.get(key) === flight) {
        this.#flights.delete(key);
        flight.abort.abort();
      }
    }
  }

  /** Aborts what is on its way and forgets everything. */
  clear(): void {
    for (const { abort } of this.#flights.values()) abort.abort();
    this.#flights.clear();
    this.#kept.clear();
  }

  #start(key: string, ask: (signal: AbortSignal) => Promise<UpstreamAnswer>): Flight {
    const { maxFlights, metrics } = this.#options;
    if (this.#flights.size >= maxFlights) throw new AppError('no-capacity', 'Too much is asked of the owner.');
    const abort = new AbortController();
    const flight: Flight = { answer: ask(abort.signal), waiting: 0, abort };
    this.#flights.set(key, flight);
    metrics.upstream.inc();
    const landed = (keep?: () => void): void => {
      metrics.upstream.dec();
      // One that was given up may have had a successor.
      if (this.#flights.get(key) !== flight) return;
      this.#flights.delete(key);
      keep?.();
      metrics.bytes.set(this.#kept.calculatedSize);
    };
    flight.answer.then(
      (answer) => landed(() => this.#keep(key, { answer }, answer.freshness)),
      (error: unknown) => {
        if (error instanceof UpstreamError) landed(() => this.#keep(key, { error }, error.freshness));
        else {
          if (!abort.signal.aborted) metrics.failures.inc();
          landed();
        }
      },
    );
    return flight;
  }

  #keep(key: string, kept: Kept, freshness: UpstreamAnswer['freshness']): void {
    const seconds = freshness === 'immutable' ? IMMUTABLE_SECONDS : freshness;
    if (seconds === 'never' || seconds <= 0) return;
    this.#kept.set(key, kept, { ttl: seconds * 1000 });
  }

  #withRest(key: string, answer: UpstreamAnswer): Received {
    if (typeof answer.freshness !== 'number') return answer;
    return { ...answer, freshness: Math.floor(this.#kept.getRemainingTTL(key) / 1000) };
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
