import type { Duplex } from 'node:stream';

/** Answers an upgrade that comes to nothing; who asked may come again in a moment. `status`: code and reason phrase. */
export function closeUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n`);
}
