import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { AppError } from '../contracts/errors.ts';
import type { MediaRouter, ProducerLevel } from '../sfu/MediaRouter.ts';

/** Between attempts to get a router when no worker can be had, ms. */
const RETRY_MS = 1_000;

/** Where a room gets its router from; `WorkerPool` is one. */
export interface RouterSource {
  createRouter(): Promise<MediaRouter>;
}

/** The router of a room, over the deaths of workers: when one dies, another router is got. */
export class RoomRouter extends TypedEmitter<{
  /** `media` is another, empty router. */
  replaced: [];
  /** Who speaks changed: producer ids, loudest first. */
  speakers: [producerIds: string[]];
  /** Who spoke in the last interval, loudest first; empty once when nobody does any more. */
  levels: [levels: ProducerLevel[]];
  /** There will be no router any more: the pool is closed. */
  lost: [];
}> {
  readonly #source: RouterSource;
  readonly #logger: Logger;
  #media: MediaRouter;
  #ready: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(source: RouterSource, media: MediaRouter, logger: Logger) {
    super();
    this.#source = source;
    this.#media = media;
    this.#logger = logger;
  }

  static async create(source: RouterSource, logger: Logger): Promise<RoomRouter> {
    const router = new RoomRouter(source, await source.createRouter(), logger);
    router.#listen();
    return router;
  }

  /** The present one, or the dead one while another is being got. */
  get media(): MediaRouter {
    return this.#media;
  }

  /** Resolves when `media` works, or when there will be none any more. */
  ready(): Promise<void> {
    return this.#ready;
  }

  #listen(): void {
    const media = this.#media;
    this.#logger.info({ worker: media.workerPid }, 'room has a router');
    media.once('died', () => this.#replace());
    media.on('speakers', (producerIds) => this.emit('speakers', producerIds));
    media.on('levels', (levels) => this.emit('levels', levels));
    // It may have died while it was handed over.
    if (media.closed) this.#replace();
  }

  #replace(): void {
    if (this.#closed) return;
    this.#logger.warn('the router is gone; the room gets another one');
    this.#ready = this.#getAnother();
  }

  /** Never rejects. */
  async #getAnother(): Promise<void> {
    while (!this.#closed) {
      try {
        const media = await this.#source.createRouter();
        if (this.#closed) {
          media.close();
          return;
        }
        this.#media = media;
        this.emit('replaced');
        this.#listen();
        return;
      } catch (err) {
        if (err instanceof AppError && err.code === 'shutting-down') {
          this.emit('lost');
          return;
        }
        this.#logger.error({ err }, 'no router for the room; trying again');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#media.close();
  }
}
