/**
 * The mediasoup workers of this process. Rooms ask for a router; they get one on the least loaded worker. A worker that
 * dies is replaced under the same index, and so the same ports; its rooms ask again (next: rooms/Room.ts).
 */
import { setLogEventListeners } from 'mediasoup';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { whenFree } from '../common/whenFree.ts';
import { AppError } from '../contracts/errors.ts';
import type { MediaRouter } from './MediaRouter.ts';
import { MediaWorker } from './MediaWorker.ts';
import type { SfuMetrics } from './metrics.ts';

export interface WorkerPoolOptions {
  /** How many; one a core. */
  workers: number;
  /** Address that media is received on; a wildcard stands for each address of the machine. */
  listenIp: string;
  /** Address or name that goes into candidates instead. */
  announcedAddress?: string | undefined;
  /** Worker i has UDP and TCP port `basePort + i`; 0: any free ones. */
  basePort: number;
  logger: Logger;
  metrics: SfuMetrics;
}

/** Pauses before a dead worker's next start, ms: at once, then slower, should it die at every start. */
const RESTART_DELAYS_MS = [0, 250, 1_000, 5_000] as const;
/** A worker that ran for this long starts the row of pauses anew, ms. */
const STABLE_MS = 30_000;
/** How long a router waits for a worker when none runs, ms. */
const WORKER_WAIT_MS = 15_000;

/** mediasoup tells it in words, from libuv. */
const isPortInUse = (error: unknown): boolean => /address already in use/.test((error as Error).message);

interface Slot {
  worker: MediaWorker | undefined;
  startedAt: number;
  failures: number;
  retry: NodeJS.Timeout | undefined;
}

export class WorkerPool extends TypedEmitter<{
  /** A worker died; `workers` runs without it until its successor is up. */
  'worker-died': [index: number];
  'worker-ready': [index: number];
  closed: [];
}> {
  readonly #options: WorkerPoolOptions;
  readonly #logger: Logger;
  readonly #slots: Slot[];
  #closed = false;

  private constructor(options: WorkerPoolOptions) {
    super();
    this.#options = options;
    this.#logger = options.logger.child({ part: 'sfu' });
    this.#slots = Array.from({ length: options.workers }, () => ({
      worker: undefined,
      startedAt: 0,
      failures: 0,
      retry: undefined,
    }));
  }

  /** Throws when a worker does not start: its binary is missing or its port is taken. */
  static async create(options: WorkerPoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    setLogEventListeners({
      onwarn: (namespace, text) => pool.#logger.debug({ namespace, text }, 'mediasoup warns'),
      onerror: (namespace, text, err) => pool.#logger.warn({ namespace, text, err }, 'mediasoup reports an error'),
    });
    // A worker of a process that was killed lets go of its ports a moment after it.
    const start = (index: number) => whenFree(() => pool.#start(index), isPortInUse);
    const started = await Promise.allSettled(pool.#slots.map((_, index) => start(index)));
    const failed = started.find((s) => s.status === 'rejected');
    if (failed) {
      await pool.close();
      throw new Error('a mediasoup worker does not start', { cause: failed.reason });
    }
    return pool;
  }

  /** At least one worker runs. */
  get ready(): boolean {
    return !this.#closed && this.#slots.some((s) => s.worker);
  }

  /** Process ids of the workers that run. */
  get pids(): number[] {
    return this.#slots.flatMap((s) => (s.worker ? [s.worker.pid] : []));
  }

  /** On the least loaded worker. When none runs it waits for one; throws AppError `no-capacity` when none comes. */
  async createRouter(): Promise<MediaRouter> {
    const giveUpAt = performance.now() + WORKER_WAIT_MS;
    for (;;) {
      const worker = this.#leastLoaded() ?? (await this.#nextReady(giveUpAt - performance.now()));
      try {
        const router = await worker.createRouter();
        if (!router.closed) return router;
      } catch (error) {
        // The worker may have died under our hands: another one may be had.
        if (this.#slots.some((s) => s.worker === worker)) throw error;
      }
    }
  }

  #leastLoaded(): MediaWorker | undefined {
    if (this.#closed) throw new AppError('shutting-down');
    const workers = this.#slots.flatMap((s) => (s.worker ? [s.worker] : []));
    return workers.toSorted((a, b) => a.load - b.load)[0];
  }

  #nextReady(limitMs: number): Promise<MediaWorker> {
    return new Promise((resolve, reject) => {
      const end = (act: () => void): void => {
        clearTimeout(timer);
        this.off('worker-ready', onReady);
        this.off('closed', onClosed);
        act();
      };
      const onReady = (index: number): void => {
        const worker = this.#slots[index]?.worker;
        if (worker) end(() => resolve(worker));
      };
      const onClosed = (): void => end(() => reject(new AppError('shutting-down')));
      const timer = setTimeout(
        () => end(() => reject(new AppError('no-capacity', 'No media worker runs at the moment.'))),
        Math.max(0, limitMs),
      );
      this.on('worker-ready', onReady);
      this.on('closed', onClosed);
    });
  }

  async #start(index: number): Promise<void> {
    const { listenIp, announcedAddress, basePort, metrics } = this.#options;
    const slot = this.#slots[index];
    if (!slot) return;
    const worker = await MediaWorker.create({
      index,
      listenIp,
      announcedAddress,
      basePort,
      metrics,
      logger: this.#logger,
    });
    if (this.#closed) {
      await worker.close();
      return;
    }
    slot.worker = worker;
    slot.startedAt = performance.now();
    worker.once('died', (err) => this.#onDied(index, slot, err));
    this.#logger.info({ index, pid: worker.pid }, 'mediasoup worker runs');
    this.emit('worker-ready', index);
  }

  #onDied(index: number, slot: Slot, err: Error): void {
    this.#logger.error({ index, pid: slot.worker?.pid, err }, 'mediasoup worker died');
    slot.worker = undefined;
    if (performance.now() - slot.startedAt > STABLE_MS) slot.failures = 0;
    this.emit('worker-died', index);
    this.#restart(index, slot);
  }

  #restart(index: number, slot: Slot): void {
    if (this.#closed) return;
    const delay = RESTART_DELAYS_MS[Math.min(slot.failures, RESTART_DELAYS_MS.length - 1)] ?? 0;
    slot.failures++;
    slot.retry = setTimeout(() => {
      this.#start(index).catch((err: unknown) => {
        this.#logger.error({ index, err }, 'mediasoup worker does not start again');
        this.#restart(index, slot);
      });
    }, delay);
  }

  /** Resolves when every worker's process is gone. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const slot of this.#slots) clearTimeout(slot.retry);
    await Promise.all(this.#slots.map((slot) => slot.worker?.close()));
    for (const slot of this.#slots) slot.worker = undefined;
    this.emit('closed');
  }
}
