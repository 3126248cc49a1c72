import { createWorker, type types as mediasoup } from 'mediasoup';
import type { Logger } from '../common/logger.ts';
import { raisePriority } from '../common/raisePriority.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { listenInfos } from './listenInfos.ts';
import { MediaRouter } from './MediaRouter.ts';
import type { SfuMetrics } from './metrics.ts';

/** A worker that was asked to end and has not by then is killed, ms. */
const STOP_LIMIT_MS = 2_000;

export interface MediaWorkerOptions {
  index: number;
  listenIp: string;
  announcedAddress?: string | undefined;
  /** 0: any free ports. */
  basePort: number;
  logger: Logger;
  metrics: SfuMetrics;
}

/**
 * mediasoup closes its workers by itself on SIGINT and SIGTERM (3.27, `Worker.onSignal`). Ours have to live until broadcasts have
 * ended cleanly; the owner closes them then. A worker also ends when its pipe to us breaks, so none is left behind.
 */
function leaveSignalsToUs(worker: mediasoup.Worker): void {
  const { onSignal } = worker as unknown as { onSignal?: () => void };
  if (!onSignal) return;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
}

/** One mediasoup worker process, its WebRtcServer (one UDP and one TCP port an address), and its routers. */
export class MediaWorker extends TypedEmitter<{
  /** The process ended without being asked to. */
  died: [error: Error];
  closed: [];
}> {
  readonly index: number;
  readonly #worker: mediasoup.Worker;
  readonly #webRtcServer: mediasoup.WebRtcServer;
  readonly #options: MediaWorkerOptions;
  readonly #routers = new Set<MediaRouter>();
  #pending = 0;
  #state: 'running' | 'closed' = 'running';

  private constructor(worker: mediasoup.Worker, webRtcServer: mediasoup.WebRtcServer, options: MediaWorkerOptions) {
    super();
    this.index = options.index;
    this.#worker = worker;
    this.#webRtcServer = webRtcServer;
    this.#options = options;
  }

  static async create(options: MediaWorkerOptions): Promise<MediaWorker> {
    const worker = await createWorker({ logLevel: 'warn', logTags: ['ice', 'dtls', 'rtp', 'srtp', 'rtcp'] });
    leaveSignalsToUs(worker);
    raisePriority(worker.pid);
    try {
      const webRtcServer = await worker.createWebRtcServer({
        listenInfos: listenInfos({ ...options, portOffset: options.index }),
      });
      const media = new MediaWorker(worker, webRtcServer, options);
      media.#listen();
      return media;
    } catch (error) {
      worker.close();
      throw error;
    }
  }

  #listen(): void {
    this.#options.metrics.workers.inc();
    this.#worker.on('died', (error) => {
      if (this.#state === 'closed') return;
      this.#state = 'closed';
      this.#options.metrics.workers.dec();
      this.#options.metrics.workerDeaths.inc();
      this.emit('died', error);
      this.emit('closed');
    });
  }

  get pid(): number {
    return this.#worker.pid;
  }

  /** Sum of its routers' loads, with those that are being made. */
  get load(): number {
    let load = this.#pending;
    for (const router of this.#routers) load += router.load;
    return load;
  }

  async createRouter(): Promise<MediaRouter> {
    this.#pending++;
    try {
      const { logger, metrics } = this.#options;
      const router = await MediaRouter.create({
        worker: this.#worker,
        webRtcServer: this.#webRtcServer,
        logger: logger.child({ worker: this.#worker.pid }),
        metrics,
      });
      this.#routers.add(router);
      router.once('closed', () => this.#routers.delete(router));
      return router;
    } finally {
      this.#pending--;
    }
  }

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#options.metrics.workers.dec();
    const ended = new Promise<void>((resolve) => this.#worker.once('subprocessclose', resolve));
    const kill = setTimeout(() => process.kill(this.#worker.pid, 'SIGKILL'), STOP_LIMIT_MS);
    this.#worker.close();
    if (!this.#worker.subprocessClosed) await ended;
    clearTimeout(kill);
    this.emit('closed');
  }
}
