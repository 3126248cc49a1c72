/**
 * One participant's media on a router: at most one transport to send, one to receive, a producer a source, and consumers.
 * In: parsed parameters of a client. Out: mediasoup's answers, and events when something ends. Knows neither rooms nor
 * signalling (next: rooms/Forwarder.ts). An endpoint dies with its router; its owner makes another one.
 */
import type { types as mediasoup } from 'mediasoup';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { AppError } from '../contracts/errors.ts';
import type { SourceKind } from '../contracts/ids.ts';
import type { Size } from './layers.ts';
import type { MediaRouter } from './MediaRouter.ts';
import { mediaKindOf } from './mediaCodecs.ts';
import { toMediaError } from './mediaErrors.ts';
import { sanitizeRtpParameters } from './rtpParameters.ts';

/** As the client sees it: it sends its sources on `send`. */
export type Direction = 'send' | 'recv';

/** No STUN consent for this long (RFC 7675 has 30 s): a peer that vanished leaves the program sooner, s. */
const ICE_CONSENT_TIMEOUT_S = 15;
/** What a receiver is taken to bear before its bandwidth is known, bits a second: one middle layer and some sound. */
const INITIAL_OUTGOING_BPS = 1_000_000;
/** The most that a peer may send: a camera with three layers (2.2 Mbit/s), a screen and sound, bits a second. */
const MAX_INCOMING_BPS = 8_000_000;
/**
 * Least time between two key-frame requests for one stream, ms. The wish is 300 in a producer's first 2 s and 1000 later,
 * but mediasoup holds one value for a producer's life. A publisher must not be made to send nothing but key frames by
 * viewers on a bad network, so the slow one rules: whoever is too late for the first key frame waits for up to a second.
 * (Pausing and resuming the producer forces a request, but makes every viewer's bandwidth estimate start anew.)
 */
export const KEY_FRAME_INTERVAL_MS = 1_000;

let producersStarted = 0;

/** What hangs on a producer for those who hold it. */
export interface ProducerData extends mediasoup.AppData {
  source: SourceKind;
  /** Of the highest layer, as the client says; only a hint for choosing layers. */
  size: Size | undefined;
  /** Higher than that of every producer which this process had before: what started last is known by it. */
  since: number;
}
export type SourceProducer = mediasoup.Producer<ProducerData>;

export interface EndpointEvents {
  'producer-opened': [producer: SourceProducer];
  'producer-closed': [producer: SourceProducer];
  /** Paused or resumed by its owner. */
  'producer-changed': [producer: SourceProducer];
  /** There is another transport to receive by; what was consumed on the last one is gone. */
  'receiver-replaced': [];
  /** A consumer ended because its producer or its transport did. */
  'consumer-closed': [consumer: mediasoup.Consumer];
  /** The network path or the DTLS session of a transport is gone. */
  'transport-lost': [direction: Direction];
  closed: [];
}

export class Endpoint extends TypedEmitter<EndpointEvents> {
  readonly #media: MediaRouter;
  readonly #transports = new Map<Direction, mediasoup.WebRtcTransport>();
  readonly #producers = new Map<SourceKind, SourceProducer>();
  /** Sources whose producer is being made: two requests for one source must not both pass the check. */
  readonly #producing = new Set<SourceKind>();
  readonly #consumers = new Map<string, mediasoup.Consumer>();
  #rtpCapabilities: mediasoup.RtpCapabilities | undefined;
  #closed = false;

  constructor(media: MediaRouter) {
    super();
    this.#media = media;
    media.once('closed', this.#onRouterClosed);
    if (media.closed) this.close();
  }

  readonly #onRouterClosed = (): void => this.close();

  get closed(): boolean {
    return this.#closed;
  }

  get producers(): ReadonlyMap<SourceKind, SourceProducer> {
    return this.#producers;
  }

  /** Where to consume, once the client has said by which transport and what it can decode. */
  get receiver(): { rtpCapabilities: mediasoup.RtpCapabilities } | undefined {
    const rtpCapabilities = this.#rtpCapabilities;
    return rtpCapabilities && this.#transports.has('recv') ? { rtpCapabilities } : undefined;
  }

  /** An earlier transport of this direction is closed: a client builds a second one only when it has lost the first. */
  async createTransport(direction: Direction): Promise<mediasoup.WebRtcTransport> {
    this.#assertOpen();
    this.#transports.get(direction)?.close();
    try {
      const transport = await this.#media.router.createWebRtcTransport({
        webRtcServer: this.#media.webRtcServer,
        enableUdp: true,
        enableTcp: true,
        preferUdp: true,
        iceConsentTimeout: ICE_CONSENT_TIMEOUT_S,
        initialAvailableOutgoingBitrate: INITIAL_OUTGOING_BPS,
        appData: { direction },
      });
      if (this.#closed) {
        transport.close();
        this.#assertOpen();
      }
      this.#transports.get(direction)?.close();
      this.#keepTransport(direction, transport);
      if (direction === 'send') await transport.setMaxIncomingBitrate(MAX_INCOMING_BPS);
      return transport;
    } catch (error) {
      throw toMediaError(error);
    }
  }

  #keepTransport(direction: Direction, transport: mediasoup.WebRtcTransport): void {
    this.#transports.set(direction, transport);
    this.#media.metrics.transports.inc({ direction });
    transport.on('icestatechange', (state) => {
      if (state === 'disconnected') this.emit('transport-lost', direction);
    });
    transport.on('dtlsstatechange', (state) => {
      if (state !== 'failed' && state !== 'closed') return;
      this.emit('transport-lost', direction);
      transport.close();
    });
    transport.observer.on('close', () => {
      this.#media.metrics.transports.dec({ direction });
      if (this.#transports.get(direction) !== transport) return;
      this.#transports.delete(direction);
      if (direction === 'recv') this.#rtpCapabilities = undefined;
    });
  }

  #transport(id: string): mediasoup.WebRtcTransport {
    this.#assertOpen();
    for (const transport of this.#transports.values()) if (transport.id === id) return transport;
    throw new AppError('not-found', 'You have no such transport.');
  }

  #transportFor(direction: Direction, id: string): mediasoup.WebRtcTransport {
    const transport = this.#transport(id);
    if (transport.appData.direction !== direction) {
      throw new AppError('bad-request', `This transport is not for "${direction}".`);
    }
    return transport;
  }

  async connectTransport(id: string, dtlsParameters: mediasoup.DtlsParameters): Promise<void> {
    const transport = this.#transport(id);
    if (transport.dtlsState !== 'new' || transport.appData.connecting) {
      throw new AppError('conflict', 'This transport is connected already.');
    }
    transport.appData.connecting = true;
    try {
      await transport.connect({ dtlsParameters });
    } catch (error) {
      transport.appData.connecting = false;
      throw toMediaError(error);
    }
  }

  async restartIce(id: string): Promise<mediasoup.IceParameters> {
    try {
      return await this.#transport(id).restartIce();
    } catch (error) {
      throw toMediaError(error);
    }
  }

  /** Throws AppError: `conflict` when the source is being sent already, `bad-media` for parameters that cannot be used. */
  async produce(options: {
    transportId: string;
    source: SourceKind;
    rtpParameters: mediasoup.RtpParameters;
    paused: boolean;
    size?: Size | undefined;
  }): Promise<SourceProducer> {
    const { source, paused } = options;
    const transport = this.#transportFor('send', options.transportId);
    if (this.#producers.has(source) || this.#producing.has(source)) {
      throw new AppError('conflict', `Your ${source} is being sent already.`);
    }
    const rtpParameters = sanitizeRtpParameters(source, options.rtpParameters);
    this.#producing.add(source);
    try {
      const producer = await transport.produce<ProducerData>({
        kind: mediaKindOf(source),
        rtpParameters,
        paused,
        ...(mediaKindOf(source) === 'video' ? { keyFrameRequestDelay: KEY_FRAME_INTERVAL_MS } : {}),
        appData: { source, size: options.size, since: ++producersStarted },
      });
      if (this.#closed || transport.closed) {
        producer.close();
        throw new AppError('conflict', 'The transport was closed meanwhile; build it again.');
      }
      this.#keepProducer(source, producer);
      if (source === 'microphone') await this.#media.watchLevel(producer.id);
      return producer;
    } catch (error) {
      throw toMediaError(error);
    } finally {
      this.#producing.delete(source);
    }
  }

  #keepProducer(source: SourceKind, producer: SourceProducer): void {
    this.#producers.set(source, producer);
    this.#media.metrics.producers.inc({ source });
    producer.observer.on('close', () => {
      this.#media.metrics.producers.dec({ source });
      this.#producers.delete(source);
      this.emit('producer-closed', producer);
    });
    this.emit('producer-opened', producer);
  }

  #producer(id: string): SourceProducer {
    for (const producer of this.#producers.values()) if (producer.id === id) return producer;
    throw new AppError('not-found', 'You send nothing under this id.');
  }

  async setProducerPaused(id: string, paused: boolean): Promise<void> {
    const producer = this.#producer(id);
    if (producer.paused === paused) return;
    try {
      await (paused ? producer.pause() : producer.resume());
    } catch (error) {
      throw toMediaError(error);
    }
    if (!producer.closed) this.emit('producer-changed', producer);
  }

  closeProducer(id: string): void {
    this.#producer(id).close();
  }

  /** By what it sends; undefined: there is no way yet. */
  get uploadProtocol(): 'udp' | 'tcp' | undefined {
    return this.#transports.get('send')?.iceSelectedTuple?.protocol;
  }

  /** A transport whose network path is gone, as far as ICE consent tells. */
  get lost(): boolean {
    return [...this.#transports.values()].some((t) => t.iceState === 'disconnected');
  }

  /** Ends what is received; what is sent goes on. */
  stopReceiving(): void {
    this.#transports.get('recv')?.close();
  }

  /** From here on `consume` may be called. */
  startReceiving(transportId: string, rtpCapabilities: mediasoup.RtpCapabilities): void {
    this.#transportFor('recv', transportId);
    this.#rtpCapabilities = rtpCapabilities;
    this.emit('receiver-replaced');
  }

  /** Paused. undefined: the client cannot decode it, or there is nothing to receive by any more. */
  async consume(producer: mediasoup.Producer): Promise<mediasoup.Consumer | undefined> {
    const transport = this.#transports.get('recv');
    const rtpCapabilities = this.#rtpCapabilities;
    if (!transport || !rtpCapabilities || this.#closed || producer.closed) return undefined;
    try {
      if (!this.#media.router.canConsume({ producerId: producer.id, rtpCapabilities })) return undefined;
      const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities, paused: true });
      if (transport.closed || producer.closed) {
        consumer.close();
        return undefined;
      }
      this.#consumers.set(consumer.id, consumer);
      this.#media.metrics.consumers.inc();
      consumer.observer.on('close', () => {
        this.#media.metrics.consumers.dec();
        this.#consumers.delete(consumer.id);
        this.emit('consumer-closed', consumer);
      });
      return consumer;
    } catch (error) {
      // The producer or the transport went while the worker was asked: there is nothing to consume.
      if (producer.closed || transport.closed) return undefined;
      throw toMediaError(error);
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new AppError('conflict', 'The media of this peer was reset; build the transports again.');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#media.off('closed', this.#onRouterClosed);
    for (const transport of [...this.#transports.values()]) transport.close();
    this.emit('closed');
  }
}
