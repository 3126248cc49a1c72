/**
 * Forwards the others' producers to one peer. In: what there is to see and hear (`sync`). Out: mediasoup consumers, each
 * offered to the client and started when it says so. A consumer runs while the client wants it and shows it somewhere.
 */
import type { types as mediasoup } from 'mediasoup';
import type { Logger } from '../common/logger.ts';
import { AppError } from '../contracts/errors.ts';
import type { PeerId, SourceKind } from '../contracts/ids.ts';
import { PROGRAM_SOURCES, type ProgramSource } from '../contracts/programReturn.ts';
import type { NewConsumer } from '../contracts/signaling.ts';
import type { Endpoint } from '../sfu/Endpoint.ts';
import { layerForProducer, type Size } from '../sfu/layers.ts';
import { toMediaError } from '../sfu/mediaErrors.ts';
import type { PeerLink } from './PeerLink.ts';

/** A producer and whose it is. */
export interface Offer {
  peerId: PeerId;
  source: SourceKind | ProgramSource;
  producer: mediasoup.Producer;
}

interface Forward {
  consumer: mediasoup.Consumer;
  producer: mediasoup.Producer;
  source: Offer['source'];
  /** The client has built its side and wants it. */
  wanted: boolean;
  /** It is shown at some size; sound always is. */
  shown: boolean;
  /** Changes of one consumer, one after the other: pause and resume must reach the worker in the order of the wishes. */
  queue: Promise<void>;
}

const isProgram = (source: Offer['source']): boolean => (PROGRAM_SOURCES as readonly string[]).includes(source);

export class Forwarder {
  readonly #endpoint: Endpoint;
  readonly #link: () => PeerLink | undefined;
  readonly #logger: Logger;
  readonly #forwards = new Map<string, Forward>();
  /** Producers that are consumed, are being consumed, or that the client cannot or does not want to have. */
  #seen = new Set<string>();
  /** What the client wants of the program itself. */
  program = { video: false, sound: false };
  /** Producers of the program that are to be consumed. */
  #programWanted: ReadonlySet<string> = new Set();

  constructor(endpoint: Endpoint, link: () => PeerLink | undefined, logger: Logger) {
    this.#endpoint = endpoint;
    this.#link = link;
    this.#logger = logger;
    endpoint.on('receiver-replaced', () => {
      this.#seen = new Set();
    });
    endpoint.on('consumer-closed', (consumer) => {
      if (!this.#forwards.delete(consumer.id)) return;
      this.#link()?.tell('consumer:closed', { consumerId: consumer.id });
    });
  }

  /** Consumes what is not consumed yet. What has gone is closed by mediasoup itself. */
  sync(offers: readonly Offer[]): void {
    if (!this.#endpoint.receiver || !this.#link()) return;
    for (const offer of offers) {
      if (this.#seen.has(offer.producer.id)) continue;
      this.#seen.add(offer.producer.id);
      this.#forward(offer).catch((err: unknown) => {
        this.#logger.warn({ err, producer: offer.producer.id }, 'a producer is not forwarded');
      });
    }
  }

  /** Of the program exactly these, which are consumed from now on. */
  syncProgram(offers: readonly Offer[]): void {
    const wanted = new Set(offers.map(({ producer }) => producer.id));
    this.#programWanted = wanted;
    for (const { consumer, producer, source } of this.#forwards.values()) {
      if (!isProgram(source) || wanted.has(producer.id)) continue;
      // It may be wanted again.
      this.#seen.delete(producer.id);
      consumer.close();
    }
    this.sync(offers);
  }

  async #forward({ peerId, producer, source }: Offer): Promise<void> {
    const consumer = await this.#endpoint.consume(producer);
    const link = this.#link();
    if (!consumer) return;
    if (!link) {
      // The connection dropped meanwhile; its successor gets an endpoint of its own.
      consumer.close();
      return;
    }
    // Race: the client may have changed its mind while the worker was asked.
    if (isProgram(source) && !this.#programWanted.has(producer.id)) {
      this.#seen.delete(producer.id);
      consumer.close();
      return;
    }
    this.#forwards.set(consumer.id, {
      consumer,
      producer,
      source,
      wanted: false,
      shown: true,
      queue: Promise.resolve(),
    });
    const built = await link.offerConsumer({
      id: consumer.id,
      producerId: producer.id,
      peerId,
      source,
      kind: consumer.kind,
      rtpParameters: consumer.rtpParameters as unknown as NewConsumer['rtpParameters'],
      producerPaused: producer.paused,
    });
    if (!built && !consumer.closed) {
      this.#logger.debug({ consumer: consumer.id }, 'the client has not built a consumer');
      consumer.close();
    }
  }

  #get(consumerId: string): Forward {
    const forward = this.#forwards.get(consumerId);
    if (!forward) throw new AppError('not-found', 'You receive nothing under this id.');
    return forward;
  }

  setWanted(consumerId: string, wanted: boolean): Promise<void> {
    const forward = this.#get(consumerId);
    forward.wanted = wanted;
    return this.#change(forward, () => this.#applyPause(forward));
  }

  /** The layer that fits is forwarded; nothing at 0x0. */
  setSize(consumerId: string, size: Size): Promise<void> {
    const forward = this.#get(consumerId);
    forward.shown = forward.consumer.kind === 'audio' || (size.width > 0 && size.height > 0);
    return this.#change(forward, async () => {
      const layer = forward.shown ? layerForProducer(size, forward.producer) : null;
      if (layer !== null && layer !== forward.consumer.preferredLayers?.spatialLayer) {
        await forward.consumer.setPreferredLayers({ spatialLayer: layer });
      }
      await this.#applyPause(forward);
    });
  }

  async #applyPause({ consumer, wanted, shown }: Forward): Promise<void> {
    if (consumer.closed || consumer.paused === !(wanted && shown)) return;
    await (consumer.paused ? consumer.resume() : consumer.pause());
  }

  #change(forward: Forward, act: () => Promise<void>): Promise<void> {
    const done = forward.queue.then(() => (forward.consumer.closed ? undefined : act()));
    forward.queue = done.catch(() => {});
    return done.catch((error: unknown) => {
      if (!forward.consumer.closed) throw toMediaError(error);
    });
  }

  /** A producer was muted or unmuted by its owner. */
  producerChanged(producer: mediasoup.Producer): void {
    for (const { consumer, producer: forwarded } of this.#forwards.values()) {
      if (forwarded !== producer) continue;
      this.#link()?.tell(producer.paused ? 'consumer:paused' : 'consumer:resumed', { consumerId: consumer.id });
    }
  }
}
