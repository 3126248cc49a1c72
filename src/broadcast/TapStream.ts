import type { types as mediasoup } from 'mediasoup';
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { SourceId } from '../contracts/ids.ts';
import { JobSource } from '../contracts/job.ts';
import { ASSUMED_SIZE, layerFor, layerScales, type Size } from '../sfu/layers.ts';
import type { TapSource } from './RoomTap.ts';

/** A reported size is that of the layer that was forwarded a moment ago; younger layers are not learned from, ms. */
const LAYER_SETTLED_MS = 2_000;

/**
 * One source's consumer on the tap: plays when the compositor knows its SSRC and, for video, shows it; forwards the spatial
 * layer, of simulcast or SVC, that fits the size at which it is seen, and of that all temporal layers.
 */
export class TapStream {
  readonly source: SourceId;
  readonly producerId: string;
  readonly #consumer: mediasoup.Consumer;
  readonly #encodings: readonly mediasoup.RtpEncodingParameters[];
  /** How much smaller than the source each spatial layer is, lowest first; one where there is nothing to choose. */
  readonly #scales: readonly number[];
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Size of the highest layer, as far as it is known. */
  #size: Size;
  #seen: Size | null = null;
  #released = false;
  #layer: { spatial: number; since: number } | undefined;
  #preferred: number | undefined;
  #settling: 'no' | 'yes' | 'again' = 'no';

  constructor(tapSource: TapSource, consumer: mediasoup.Consumer, clock: Clock, logger: Logger) {
    const { producer } = tapSource;
    this.source = SourceId.parse(tapSource.id);
    this.producerId = producer.id;
    this.#consumer = consumer;
    this.#encodings = producer.rtpParameters.encodings ?? [];
    this.#scales = layerScales(this.#encodings);
    this.#size = (producer.appData as { size?: Size }).size ?? ASSUMED_SIZE;
    this.#clock = clock;
    this.#logger = logger.child({ source: tapSource.id });
    consumer.on('layerschange', (layers) => {
      if (layers && layers.spatialLayer !== this.#layer?.spatial) {
        this.#layer = { spatial: layers.spatialLayer, since: clock.now() };
      }
    });
  }

  get ssrc(): number {
    return this.#consumer.rtpParameters.encodings?.[0]?.ssrc ?? 0;
  }

  get closed(): boolean {
    return this.#consumer.closed;
  }

  get consumer(): mediasoup.Consumer {
    return this.#consumer;
  }

  /** How the compositor is told of it. */
  wiring({ id, peer, kind, paused, since }: TapSource): JobSource {
    const codec = this.#consumer.rtpParameters.codecs[0];
    if (!codec) throw new Error('a consumer without a codec');
    return {
      id,
      peer,
      kind,
      mime: codec.mimeType,
      payloadType: codec.payloadType,
      clockRate: codec.clockRate,
      fmtp: JobSource.shape.fmtp.parse(codec.parameters),
      ssrc: this.ssrc,
      paused,
      ...(since === undefined ? {} : { since }),
    };
  }

  /** The compositor knows the SSRC: packets may come. */
  release(): void {
    this.#released = true;
    this.#settle();
  }

  /** The size at which it is seen in the program; null: not at all. Means nothing for sound. */
  see(seen: Size | null): void {
    this.#seen = seen;
    this.#settle();
  }

  /** The compositor decodes pictures of this size: from it and the layer that is forwarded follows how large the highest layer is. */
  learn(decoded: Size): void {
    const layer = this.#layer;
    if (this.#scales.length < 2 || !layer || decoded.width < 16 || decoded.height < 16) return;
    if (this.#clock.now() - layer.since < LAYER_SETTLED_MS) return;
    const scale = this.#scales[layer.spatial] ?? 1;
    const size = { width: decoded.width * scale, height: decoded.height * scale };
    // Encoders round sizes: a pixel more or less is the same picture.
    const same = Math.abs(size.width - this.#size.width) < 16 && Math.abs(size.height - this.#size.height) < 16;
    if (same) return;
    this.#size = size;
    this.#settle();
  }

  close(): void {
    this.#consumer.close();
  }

  /** Brings the consumer to what is wanted. Race: wishes change while the worker answers; then it goes round again. */
  #settle(): void {
    if (this.#settling !== 'no') {
      this.#settling = 'again';
      return;
    }
    this.#settling = 'yes';
    this.#apply().then(
      () => {
        const again = this.#settling === 'again';
        this.#settling = 'no';
        if (again) this.#settle();
      },
      (error: unknown) => {
        this.#settling = 'no';
        // The worker or the producer went away in between: whoever told us of the source tells that as well.
        if (!this.closed) this.#logger.warn({ err: error }, 'consumer did not take a wish');
      },
    );
  }

  async #apply(): Promise<void> {
    const consumer = this.#consumer;
    if (consumer.closed) return;
    if (this.#scales.length > 1 && this.#seen) {
      const layer = layerFor(this.#seen, this.#encodings, this.#size);
      if (layer !== this.#preferred) {
        this.#preferred = layer;
        // Without a temporal layer mediasoup takes the highest: the program wants the whole cadence.
        await consumer.setPreferredLayers({ spatialLayer: layer });
      }
    }
    const play = this.#released && (consumer.kind === 'audio' || this.#seen !== null);
    if (play && consumer.paused) await consumer.resume();
    if (!play && !consumer.paused) await consumer.pause();
  }
}
