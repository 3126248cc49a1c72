/**
 * Interface 3, Media: the SFU's end. In: the room's producers. Out: SRTP over UDP to one compositor, from one PlainTransport with
 * all consumers on it, told apart by SSRC. CompositorRun.ts tells the compositor what is what. The other way comes the program for who looks
 * at it in the room (ReturnFeed.ts).
 */
import type { types as mediasoup } from 'mediasoup';
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { UDP_SEND_BUFFER } from '../common/udpBuffers.ts';
import type { JobSource, SrtpParameters } from '../contracts/job.ts';
import { SrtpParameters as SrtpSchema } from '../contracts/job.ts';
import type { Size } from '../sfu/layers.ts';
import type { TapSource } from './RoomTap.ts';
import { TapStream } from './TapStream.ts';
import { tapCapabilities } from './tapCapabilities.ts';

export interface MediaSide {
  ip: string;
  port: number;
  srtpParameters: SrtpParameters;
}

export interface MediaTapOptions {
  router: mediasoup.Router;
  /** The address to send from; the compositor gets it as mediasoup's side. */
  mediaIp: string;
  /** Where the compositor listens. */
  compositor: MediaSide;
  clock: Clock;
  logger: Logger;
}

export class MediaTap {
  /** mediasoup's side, for the compositor's `connect`. */
  readonly side: MediaSide;
  readonly #transport: mediasoup.PlainTransport;
  readonly #capabilities: mediasoup.RtpCapabilities;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #streams = new Map<string, TapStream>();

  private constructor(
    transport: mediasoup.PlainTransport,
    side: MediaSide,
    { router, clock, logger }: MediaTapOptions,
  ) {
    this.#transport = transport;
    this.side = side;
    this.#capabilities = tapCapabilities(router.rtpCapabilities);
    this.#clock = clock;
    this.#logger = logger;
  }

  static async create(options: MediaTapOptions): Promise<MediaTap> {
    const { router, mediaIp, compositor } = options;
    const transport = await router.createPlainTransport({
      listenInfo: { protocol: 'udp', ip: mediaIp, sendBufferSize: UDP_SEND_BUFFER },
      rtcpMux: true,
      comedia: false,
      enableSrtp: true,
      srtpCryptoSuite: 'AEAD_AES_128_GCM',
    });
    try {
      await transport.connect(compositor);
      // connect() may make new keys: only now are they the ones that are used.
      const srtpParameters = SrtpSchema.parse(transport.srtpParameters);
      return new MediaTap(transport, { ip: mediaIp, port: transport.tuple.localPort, srtpParameters }, options);
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  /**
   * Consumes what is new (paused), closes what is gone; the wiring of what there is. `missed`: sources that could not be
   * consumed although they are still there.
   */
  async sync(sources: readonly TapSource[]): Promise<{ wiring: JobSource[]; missed: number }> {
    const wanted = new Map(sources.map((source) => [source.id, source]));
    for (const [id, stream] of this.#streams) {
      if (wanted.get(id)?.producer.id === stream.producerId && !stream.closed) continue;
      this.#streams.delete(id);
      stream.close();
    }
    const fresh = sources.filter((source) => !this.#streams.has(source.id));
    const missed = (await Promise.all(fresh.map((source) => this.#consume(source)))).filter((done) => !done).length;
    const wiring = sources.flatMap((source) => {
      const stream = this.#streams.get(source.id);
      return stream && !stream.closed ? [stream.wiring(source)] : [];
    });
    return { wiring, missed };
  }

  /** The compositor knows these SSRCs: their packets may come. */
  release(ssrcs: readonly number[]): void {
    for (const stream of this.#streams.values()) if (ssrcs.includes(stream.ssrc)) stream.release();
  }

  /** The size at which each source is seen; absent: not seen. */
  see(seen: Readonly<Record<string, Size>>): void {
    for (const [id, stream] of this.#streams) stream.see(seen[id] ?? null);
  }

  /** The size that each source is decoded at. */
  learn(decoded: Readonly<Record<string, Size>>): void {
    for (const [id, size] of Object.entries(decoded)) this.#streams.get(id)?.learn(size);
  }

  /** Whether the source's timestamps mean the same on a new consumer: those of simulcast start from whichever layer came first. */
  keepsTimestamps(source: string): boolean {
    return this.#streams.get(source)?.consumer.type === 'simple';
  }

  /** What the compositor sends to here. */
  produce<D extends mediasoup.AppData>(options: mediasoup.ProducerOptions<D>): Promise<mediasoup.Producer<D>> {
    return this.#transport.produce(options);
  }

  producerOf(source: string): string | undefined {
    return this.#streams.get(source)?.producerId;
  }

  consumerOf(source: string): mediasoup.Consumer | undefined {
    return this.#streams.get(source)?.consumer;
  }

  close(): void {
    this.#transport.close();
    this.#streams.clear();
  }

  async #consume(source: TapSource): Promise<boolean> {
    const { producer } = source;
    try {
      const consumer = await this.#transport.consume({
        producerId: producer.id,
        rtpCapabilities: this.#capabilities,
        paused: true,
        // For sound mediasoup's default is off, and with it there would be no NACK.
        enableRtx: true,
      });
      const stream = new TapStream(source, consumer, this.#clock, this.#logger);
      this.#streams.set(source.id, stream);
      return true;
    } catch (error) {
      // Race: the producer closed while we asked; the room says so in its next `changed`.
      if (producer.closed || this.closed) return true;
      this.#logger.warn({ err: error, source: source.id }, 'source could not be consumed');
      return false;
    }
  }
}
