/**
 * The media of one peer over reconnects and router changes: the endpoint in use, and for a short while its predecessor,
 * whose producers go on until the successor sends the same source. In: the room's router. Out: `producers`, `forwarder`.
 */
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { SourceKind } from '../contracts/ids.ts';
import { Endpoint, type SourceProducer } from '../sfu/Endpoint.ts';
import type { MediaRouter } from '../sfu/MediaRouter.ts';
import { Forwarder } from './Forwarder.ts';
import type { PeerLink } from './PeerLink.ts';

export class PeerMedia extends TypedEmitter<{
  /** `producers` is another list, or one of them was paused or resumed. */
  changed: [];
  'producer-changed': [producer: SourceProducer];
  /** It can be forwarded to. */
  'receiver-ready': [];
  /** Nothing is forwarded to it any more, until the next `receiver-ready`. */
  'receiver-gone': [];
  /** A network path is gone. */
  lost: [];
}> {
  readonly #link: () => PeerLink | undefined;
  readonly #logger: Logger;
  #endpoint: Endpoint | undefined;
  #forwarder: Forwarder | undefined;
  #retired: Endpoint | undefined;
  #retiredTimer: NodeJS.Timeout | undefined;

  constructor(link: () => PeerLink | undefined, logger: Logger) {
    super();
    this.#link = link;
    this.#logger = logger;
  }

  get endpoint(): Endpoint | undefined {
    return this.#endpoint;
  }

  get forwarder(): Forwarder | undefined {
    return this.#forwarder;
  }

  get lost(): boolean {
    return this.#endpoint?.lost ?? false;
  }

  /** In the order of SourceKind. */
  get producers(): SourceProducer[] {
    return SourceKind.options.flatMap((kind) => {
      const producer = this.#endpoint?.producers.get(kind) ?? this.#retired?.producers.get(kind);
      return producer ? [producer] : [];
    });
  }

  /** The endpoint in use; a new one when there is none. */
  open(router: MediaRouter): Endpoint {
    if (this.#endpoint && !this.#endpoint.closed) return this.#endpoint;
    const endpoint = new Endpoint(router);
    this.#endpoint = endpoint;
    this.#forwarder = new Forwarder(endpoint, this.#link, this.#logger);
    endpoint.on('producer-opened', (producer) => {
      this.#retired?.producers.get(producer.appData.source)?.close();
      this.emit('changed');
    });
    endpoint.on('producer-closed', () => this.emit('changed'));
    endpoint.on('producer-changed', (producer) => {
      this.emit('producer-changed', producer);
      this.emit('changed');
    });
    endpoint.on('receiver-replaced', () => {
      if (this.#endpoint === endpoint) this.emit('receiver-ready');
    });
    endpoint.on('transport-lost', () => {
      if (this.#endpoint === endpoint) this.emit('lost');
    });
    endpoint.once('closed', () => {
      if (this.#endpoint !== endpoint) return;
      this.#endpoint = undefined;
      this.#forwarder = undefined;
      this.emit('receiver-gone');
    });
    return endpoint;
  }

  /** What is sent goes on for `limitMs`, or until the next endpoint sends the same source; what was received ends. */
  retire(limitMs: number): void {
    const endpoint = this.#endpoint;
    if (!endpoint) return;
    this.#closeRetired();
    this.#endpoint = undefined;
    this.#forwarder = undefined;
    this.#retired = endpoint;
    this.#retiredTimer = setTimeout(() => this.#closeRetired(), limitMs);
    endpoint.stopReceiving();
    this.emit('receiver-gone');
  }

  #closeRetired(): void {
    clearTimeout(this.#retiredTimer);
    const retired = this.#retired;
    this.#retired = undefined;
    retired?.close();
  }

  /** Pauses what it sends of this kind; only its owner can resume it. Whether it sent any. */
  async silence(source: SourceKind): Promise<boolean> {
    let any = false;
    for (const endpoint of [this.#endpoint, this.#retired]) {
      const producer = endpoint?.producers.get(source);
      if (!endpoint || !producer || producer.paused) continue;
      any = true;
      await endpoint.setProducerPaused(producer.id, true);
    }
    return any;
  }

  /** Ends all media; `open` starts anew. */
  reset(): void {
    this.#closeRetired();
    this.#endpoint?.close();
  }
}
