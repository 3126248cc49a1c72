/** What servers that listen have in common: their address as a URL, and who gets a WebSocket upgrade. */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { isAddressInUse, whenFree } from '../common/whenFree.ts';

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Hands a WebSocket upgrade to whoever has its path. */
export function routeUpgrade(
  handlers: ReadonlyMap<string, UpgradeHandler>,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const handler = handlers.get((request.url ?? '').replace(/\?.*$/s, ''));
  if (handler) handler(request, socket, head);
  else socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
}

/** A wildcard address is not one to open: localhost stands for it. */
export function urlOf(fastify: FastifyInstance, scheme: string): string {
  const address = fastify.server.address() as AddressInfo | null;
  if (!address) return '';
  const host = address.address === '0.0.0.0' || address.address === '::' ? 'localhost' : address.address;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

/** A port that the last process has not let go of yet is waited for. */
export async function listen(http: FastifyInstance, host: string, port: number): Promise<void> {
  await whenFree(() => http.listen({ host, port }), isAddressInUse);
}
