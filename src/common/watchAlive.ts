import type { WebSocket } from 'ws';

/** Two silent rounds end a connection, so a peer whose machine or network vanished is noticed after 5 to 10 s, ms. */
const ROUND_MS = 5_000;

/** Pings the other end of a WebSocket (RFC 6455 section 5.5.2) and terminates the connection when nothing comes back. */
export function watchAlive(socket: WebSocket, roundMs: number = ROUND_MS): void {
  let heard = true;
  const hear = () => {
    heard = true;
  };
  socket.on('pong', hear).on('ping', hear).on('message', hear);
  const timer = setInterval(() => {
    // After a stall of our own event loop the timer comes before the sockets: what has arrived meanwhile is read first.
    setImmediate(() => {
      if (socket.readyState !== socket.OPEN) return;
      if (!heard) return socket.terminate();
      heard = false;
      socket.ping();
    });
  }, roundMs);
  socket.once('close', () => clearInterval(timer));
}
