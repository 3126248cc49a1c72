/**
 * Writes costs to pods, as few times as can be. In: what each pod's cost should be (PodCosts.ts). Out: calls of PodApi.ts, only of what has
 * changed, a pod at most once in WRITE_INTERVAL_MS. Trouble with one pod is that pod's; trouble with the API holds all writes back, longer each time.
 */
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { PodCostMetrics } from './metrics.ts';
import { type PodApi, PodApiError } from './PodApi.ts';

/** Loads go up and down; a decision of the autoscaler comes every 15 s, ms. */
const WRITE_INTERVAL_MS = 5_000;
/** Requests at the same time: a fleet of thousands must not be a burden to the API server. */
const MOST_WRITES = 4;
const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 60_000;

export interface CostWriterOptions {
  api: Pick<PodApi, 'setDeletionCost'>;
  clock: Clock;
  logger: Logger;
  metrics: PodCostMetrics;
  /** Tests do not wait for seconds. */
  writeIntervalMs?: number;
  retryFirstMs?: number;
}

interface Pod {
  cost: number;
  /** What it has; undefined: what a leader before us, or nobody, has written. */
  written: number | undefined;
  writing: boolean;
  /** Not before, by the clock, ms. */
  dueAt: number;
  /** In a row. */
  failures: number;
}

export class CostWriter {
  readonly #options: Required<CostWriterOptions>;
  readonly #pods = new Map<string, Pod>();
  readonly #running = new Set<Promise<void>>();
  #closed = false;
  /** Nothing is written before, by the clock, ms: the API is in trouble. */
  #heldUntil = Number.NEGATIVE_INFINITY;
  /** Of the API, in a row. */
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CostWriterOptions) {
    this.#options = { writeIntervalMs: WRITE_INTERVAL_MS, retryFirstMs: RETRY_FIRST_MS, ...options };
  }

  /** Pod name → cost, of all pods that there are. */
  want(costs: ReadonlyMap<string, number>): void {
    for (const name of this.#pods.keys()) if (!costs.has(name)) this.#pods.delete(name);
    for (const [name, cost] of costs) {
      const pod = this.#pods.get(name);
      if (pod) pod.cost = cost;
      else
        this.#pods.set(name, {
          cost,
          written: undefined,
          writing: false,
          dueAt: Number.NEGATIVE_INFINITY,
          failures: 0,
        });
    }
    this.#work();
  }

  /** Begins nothing any more; resolves when what was begun is over. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#options.metrics.waiting.set(0);
    await Promise.all(this.#running);
  }

  #work(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const now = this.#options.clock.now();
    const behind = [...this.#pods].filter(([, pod]) => pod.written !== pod.cost);
    this.#options.metrics.waiting.set(behind.length);
    let nextAt = Number.POSITIVE_INFINITY;
    for (const [name, pod] of behind) {
      if (pod.writing) continue;
      const dueAt = Math.max(pod.dueAt, this.#heldUntil);
      if (dueAt > now) nextAt = Math.min(nextAt, dueAt);
      else if (this.#running.size < MOST_WRITES) this.#begin(name, pod);
    }
    // Who waits for its turn is looked at when one of those that are on their way is over.
    if (nextAt === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#work(), nextAt - now);
    this.#timer.unref();
  }

  #begin(name: string, pod: Pod): void {
    pod.writing = true;
    const writing = this.#write(name, pod).finally(() => {
      pod.writing = false;
      this.#running.delete(writing);
      this.#work();
    });
    this.#running.add(writing);
  }

  /** Never rejects. */
  async #write(name: string, pod: Pod): Promise<void> {
    const { api, clock, metrics, writeIntervalMs } = this.#options;
    const { cost } = pod;
    try {
      await api.setDeletionCost(name, cost);
      metrics.patches.inc({ outcome: 'ok' });
      pod.written = cost;
      pod.failures = 0;
      pod.dueAt = clock.now() + writeIntervalMs;
      this.#good();
    } catch (error) {
      const failure =
        error instanceof PodApiError
          ? error
          : new PodApiError('unreachable', String(error), undefined, { cause: error });
      metrics.patches.inc({ outcome: failure.outcome });
      this.#failed(name, pod, cost, failure);
    }
  }

  #failed(name: string, pod: Pod, cost: number, error: PodApiError): void {
    const { clock, logger } = this.#options;
    const { outcome, retryAfterMs } = error;
    switch (outcome) {
      case 'gone':
      case 'invalid':
        // Asking again would be answered the same.
        pod.written = cost;
        if (outcome === 'invalid') logger.error({ err: error, pod: name, cost }, 'a pod takes no deletion cost');
        this.#good();
        return;
      case 'conflict':
        pod.failures += 1;
        pod.dueAt = clock.now() + this.#patience(pod.failures);
        this.#good();
        return;
      default: {
        this.#failures += 1;
        this.#heldUntil = clock.now() + (retryAfterMs ?? this.#patience(this.#failures));
        // Once; what is tried again is counted.
        if (this.#failures === 1) logger.warn({ err: error, outcome }, 'deletion costs of pods can not be written');
      }
    }
  }

  /** The API has answered as it should. */
  #good(): void {
    if (this.#failures > 0) this.#options.logger.info('deletion costs of pods are written again');
    this.#failures = 0;
    this.#heldUntil = Number.NEGATIVE_INFINITY;
  }

  #patience(failures: number): number {
    return Math.min(RETRY_MOST_MS, this.#options.retryFirstMs * 2 ** (failures - 1));
  }
}
