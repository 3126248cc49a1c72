import type { types as mediasoup } from 'mediasoup';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { MEDIA_CODECS } from './mediaCodecs.ts';
import type { SfuMetrics } from './metrics.ts';

/** Average level from which somebody counts as speaking, dBov (RFC 6464): above breath and fans, below quiet speech. */
const SPEAKING_DBOV = -55;
/** How often levels are looked at, ms. mediasoup wants ten packets in it to say anything; a browser sends 50 of Opus a second. */
export const LEVELS_INTERVAL_MS = 300;
/** More than this many names at a time are noise. */
const MAX_SPEAKERS = 4;

export interface ProducerLevel {
  producerId: string;
  /** Average, dBov: −127 to 0. */
  dbov: number;
}

export interface MediaRouterEvents {
  /** Its worker died or was closed; everything on it is gone. `closed` follows. */
  died: [];
  /** Who speaks changed: producer ids, loudest first. */
  speakers: [producerIds: string[]];
  /** Who spoke in the last interval, loudest first; empty once when nobody does any more. */
  levels: [levels: ProducerLevel[]];
  closed: [];
}

/** A room's mediasoup Router with what belongs to it: the worker's WebRtcServer and the audio level observer. */
export class MediaRouter extends TypedEmitter<MediaRouterEvents> {
  readonly router: mediasoup.Router;
  readonly webRtcServer: mediasoup.WebRtcServer;
  readonly workerPid: number;
  readonly logger: Logger;
  readonly metrics: SfuMetrics;
  readonly #levels: mediasoup.AudioLevelObserver;
  #transports = 0;
  #speakers = '';
  #closed = false;

  private constructor(
    router: mediasoup.Router,
    webRtcServer: mediasoup.WebRtcServer,
    levels: mediasoup.AudioLevelObserver,
    options: { logger: Logger; metrics: SfuMetrics; workerPid: number },
  ) {
    super();
    this.router = router;
    this.webRtcServer = webRtcServer;
    this.workerPid = options.workerPid;
    this.logger = options.logger;
    this.metrics = options.metrics;
    this.#levels = levels;
  }

  static async create(options: {
    worker: mediasoup.Worker;
    webRtcServer: mediasoup.WebRtcServer;
    logger: Logger;
    metrics: SfuMetrics;
  }): Promise<MediaRouter> {
    const router = await options.worker.createRouter({ mediaCodecs: MEDIA_CODECS });
    const levels = await router.createAudioLevelObserver({
      maxEntries: MAX_SPEAKERS,
      threshold: SPEAKING_DBOV,
      interval: LEVELS_INTERVAL_MS,
    });
    const media = new MediaRouter(router, options.webRtcServer, levels, {
      logger: options.logger.child({ router: router.id }),
      metrics: options.metrics,
      workerPid: options.worker.pid,
    });
    media.#listen();
    return media;
  }

  #listen(): void {
    this.metrics.routers.inc();
    this.router.on('workerclose', () => {
      if (this.#closed) return;
      this.emit('died');
      this.close();
    });
    this.router.observer.on('newtransport', (transport) => {
      this.#transports++;
      transport.observer.on('close', () => {
        this.#transports--;
      });
    });
    this.#levels.on('volumes', (volumes) =>
      this.#setLevels(volumes.map((v) => ({ producerId: v.producer.id, dbov: v.volume }))),
    );
    this.#levels.on('silence', () => this.#setLevels([]));
    // The worker may have died while the router was being made.
    if (this.router.closed) this.close();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What this router costs its worker, in no unit: each transport is somebody's media. */
  get load(): number {
    return 1 + this.#transports;
  }

  /** Lets the observer listen to a microphone. It forgets the producer by itself when that closes. */
  async watchLevel(producerId: string): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#levels.addProducer({ producerId });
    } catch (err) {
      // Closed meanwhile, or the worker is gone: nobody is missed by the observer then.
      this.logger.debug({ err, producerId }, 'the level of a producer is not watched');
    }
  }

  #setLevels(levels: ProducerLevel[]): void {
    if (this.#closed) return;
    this.emit('levels', levels);
    const producerIds = levels.map((level) => level.producerId);
    const key = producerIds.join();
    if (key === this.#speakers) return;
    this.#speakers = key;
    this.emit('speakers', producerIds);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.router.close();
    this.metrics.routers.dec();
    this.emit('closed');
  }
}
