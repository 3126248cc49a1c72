import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { AppError } from '../contracts/errors.ts';

/** A WebSocket upgrade of who `admit` lets in; the others are told why not. */
export function acceptControl(
  wss: WebSocketServer,
  [request, socket, head]: [request: IncomingMessage, socket: Duplex, head: Buffer],
  { admit, accept }: { admit: () => Promise<void>; accept: (ws: WebSocket) => void },
): void {
  socket.on('error', () => socket.destroy());
  admit().then(
    () => {
      if (!socket.destroyed) wss.handleUpgrade(request, socket, head, accept);
    },
    (error: unknown) => {
      const answer = error instanceof AppError ? error : new AppError('internal');
      const body = JSON.stringify({ error: answer.toJSON() });
      socket.end(
        `HTTP/1.1 ${answer.status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    },
  );
}
