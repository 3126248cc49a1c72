/**
 * The program of one compositor on its way back to the room: a producer for the pictures and one for each listener's sound, on the transport that
 * the compositor gets its media by. In: who wants what (the room's monitors); out: producers for them, and orders for the compositor. Nothing is
 * sent, and no sound encoded, that nobody wants.
 *
 * Only the compositor at work is asked (`begin`). When another takes over, both are for a moment: the older one's producers close with its
 * transport, when its last segment is whole.
 */
import type { types as mediasoup } from 'mediasoup';
import type { Logger } from '../common/logger.ts';
import type { PeerId } from '../contracts/ids.ts';
import type { ReturnOrder, ReturnStream } from '../contracts/programReturn.ts';
import type { CompositorLink } from './CompositorLink.ts';
import type { MediaTap } from './MediaTap.ts';
import type { ProgramMonitors } from './RoomTap.ts';
import { soundProducer, videoProducer } from './returnProducers.ts';

/** What could not be produced is tried again after, ms. */
const RETRY_MS = 1_000;

export interface ReturnFeedOptions {
  /** undefined: nobody ever wants it. */
  monitors: ProgramMonitors | undefined;
  link: Pick<CompositorLink, 'returns' | 'send'>;
  /** The present one; another one after `retapped`. */
  tap: () => MediaTap;
  logger: Logger;
}

export class ReturnFeed {
  readonly #options: ReturnFeedOptions;
  /** By listener; null: the pictures. */
  readonly #producers = new Map<PeerId | null, mediasoup.Producer>();
  #state: 'idle' | 'at-work' | 'closed' = 'idle';
  #ordered = '';
  #working: 'no' | 'yes' | 'again' = 'no';
  #retry: NodeJS.Timeout | undefined;

  constructor(options: ReturnFeedOptions) {
    this.#options = options;
  }

  /** Its compositor is the one at work, or is to be in a moment. A compositor that cannot return its program is not asked. Idempotent. */
  begin(): void {
    const { monitors, link } = this.#options;
    if (this.#state !== 'idle' || !monitors || !link.returns) return;
    this.#state = 'at-work';
    monitors.on('changed', this.#look);
    this.#look();
  }

  /** The transport is another one: what was on the last is gone. */
  retapped(): void {
    this.#look();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#retry);
    this.#options.monitors?.off('changed', this.#look);
    // The producers close with the transport.
    this.#producers.clear();
  }

  /** Race: wishes change while mediasoup makes producers; then it goes round again. */
  readonly #look = (): void => {
    if (this.#state !== 'at-work') return;
    if (this.#working !== 'no') {
      this.#working = 'again';
      return;
    }
    this.#working = 'yes';
    this.#sync()
      .catch((error: unknown) => {
        // The router died or the compositor went meanwhile: whoever replaces it begins anew.
        if (this.#state !== 'at-work' || this.#options.tap().closed) return;
        this.#options.logger.warn({ err: error }, 'program could not be returned to the room');
        this.#retry = setTimeout(this.#look, RETRY_MS);
      })
      .finally(() => {
        const again = this.#working === 'again';
        this.#working = 'no';
        if (again) this.#look();
      });
  };

  async #sync(): Promise<void> {
    const { monitors, tap } = this.#options;
    if (!monitors) return;
    const { video, listeners } = monitors.wish;
    const wanted: (PeerId | null)[] = [...(video ? [null] : []), ...listeners];
    for (const [listener, producer] of this.#producers) {
      if (!producer.closed && wanted.includes(listener)) continue;
      this.#producers.delete(listener);
      producer.close();
    }
    const added: [PeerId | null, mediasoup.Producer][] = [];
    try {
      for (const listener of wanted) {
        if (this.#producers.has(listener)) continue;
        const producer = await tap().produce(listener === null ? videoProducer() : soundProducer());
        this.#producers.set(listener, producer);
        added.push([listener, producer]);
      }
    } finally {
      // Also what came before one that could not be made.
      if (this.#state === 'at-work') {
        this.#order();
        for (const [listener, producer] of added) monitors.add(producer, listener);
      }
    }
  }

  #order(): void {
    const order: ReturnOrder = { video: null, sounds: [] };
    for (const [peer, producer] of this.#producers) {
      if (producer.closed) continue;
      if (peer === null) order.video = streamOf(producer);
      else order.sounds.push({ ...streamOf(producer), peer });
    }
    const text = JSON.stringify(order);
    // Nothing is what it begins with.
    if (text === (this.#ordered || JSON.stringify({ video: null, sounds: [] }))) return;
    this.#ordered = text;
    this.#options.link.send({ type: 'return', ...order });
  }
}

function streamOf({ rtpParameters }: mediasoup.Producer): ReturnStream {
  return { ssrc: rtpParameters.encodings?.[0]?.ssrc ?? 0, payloadType: rtpParameters.codecs[0]?.payloadType ?? 0 };
}
