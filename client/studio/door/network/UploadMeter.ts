/** How much gets to the server: sends for three seconds, no faster than a picture ever is. In: an open data channel. Out: bits a second. */
import type { types } from 'mediasoup-client';

/** More than the largest picture takes (4.3 Mbit/s at 1080 lines), and not enough to be a burden, bits a second. */
const LIMIT_BPS = 10_000_000;
/** All in all, ms; of which the first part is for the congestion control to find its pace (RFC 9260, section 7.2.1). */
const SEND_MS = 3_000;
const WARM_UP_MS = 1_000;
/** Between two bursts, ms. */
const TICK_MS = 20;
/** A message; the server takes none that is larger, bytes. */
const MESSAGE_BYTES = 8_192;
/** What may wait to be sent; more would only make the delay longer, bytes. */
const MAX_BUFFERED = 64 * 1_024;

interface Count {
  bytes: number;
  /** Server's clock, ms. */
  atMs: number;
}

export class UploadMeter {
  static readonly limitBps = LIMIT_BPS;
  readonly #received: () => Promise<Count>;

  /** `received`: what the server has counted. */
  constructor(received: () => Promise<Count>) {
    this.#received = received;
  }

  /** null: nothing came, or it was ended. */
  async measure(channel: types.DataProducer, ended: AbortSignal): Promise<number | null> {
    const message = new Uint8Array(MESSAGE_BYTES);
    crypto.getRandomValues(message);
    const begun = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      if (channel.closed) return;
      const due = (Math.min(performance.now() - begun, SEND_MS) / 8_000) * LIMIT_BPS;
      while (sent < due && channel.bufferedAmount < MAX_BUFFERED) {
        channel.send(message);
        sent += MESSAGE_BYTES;
      }
      // What could not be sent in its time is not sent in a burst later.
      sent = Math.max(sent, due - MAX_BUFFERED);
    }, TICK_MS);
    try {
      await wait(WARM_UP_MS, ended);
      const first = await this.#received();
      await wait(SEND_MS - WARM_UP_MS, ended);
      return rateBetween(first, await this.#received());
    } finally {
      clearInterval(timer);
    }
  }
}

/** Bits a second between two counts; null: nothing came. */
export function rateBetween(first: Count, last: Count): number | null {
  const ms = last.atMs - first.atMs;
  if (ms <= 0 || last.bytes <= first.bytes) return null;
  return ((last.bytes - first.bytes) * 8_000) / ms;
}

/** Rejects when it is ended. */
function wait(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new Error('the test was ended'));
    };
    const timer = setTimeout(() => {
      ended.removeEventListener('abort', stop);
      resolve();
    }, ms);
    ended.addEventListener('abort', stop, { once: true });
  });
}
