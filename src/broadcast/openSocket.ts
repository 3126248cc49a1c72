import { WebSocket } from 'ws';
import { watchAlive } from '../common/watchAlive.ts';

/** From dialling to the WebSocket being open, ms. */
const HANDSHAKE_LIMIT_MS = 5_000;
/** Reports are small; the largest is `stats` of 64 sources. */
const MAX_MESSAGE_BYTES = 1 << 20;

/**
 * A WebSocket to the internal port of another node, open and watched. `base` is its URL; rejects with the network's or HTTP's error.
 * What arrives at once may come before the caller's next turn: give `onMessage` here, it misses nothing.
 */
export function openSocket(options: {
  base: string;
  path: '/control' | '/delivery';
  token: string;
  onMessage: (text: string) => void;
  /** Each message in a turn of its own, however many arrive at once: whoever gets the connection by the first does not miss the second. */
  oneByOne?: boolean;
  signal?: AbortSignal;
}): Promise<WebSocket> {
  const url = new URL(options.path, options.base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${options.token}` },
      handshakeTimeout: HANDSHAKE_LIMIT_MS,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      allowSynchronousEvents: options.oneByOne !== true,
    });
    const abort = () => socket.terminate();
    options.signal?.addEventListener('abort', abort, { once: true });
    if (options.signal?.aborted) abort();
    socket.on('message', (data) => options.onMessage(String(data)));
    // It stays for the socket's life: an error without a listener would end the process; `close` follows and is what counts.
    socket.on('error', reject);
    socket.once('close', () => {
      options.signal?.removeEventListener('abort', abort);
      reject(new Error('the connection was closed'));
    });
    socket.once('open', () => {
      options.signal?.removeEventListener('abort', abort);
      watchAlive(socket);
      resolve(socket);
    });
  });
}
