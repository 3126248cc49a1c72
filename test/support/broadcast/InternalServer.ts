import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

interface UpgradeHandler {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** An internal port: an HTTP server that gives upgrades to whoever has the path. */
export class InternalServer {
  readonly url: string;
  readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async listen(handlers: Readonly<Record<string, UpgradeHandler>>): Promise<InternalServer> {
    const server = createServer((_, response) => response.writeHead(404).end());
    server.on('upgrade', (request, socket, head) => {
      const handler = handlers[request.url ?? ''];
      if (handler) handler.handleUpgrade(request, socket, head);
      else socket.destroy();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new InternalServer(server);
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
