import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy on loopback that can be cut like a cable: what is open ends, what is new does not come about. */
export class CutProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #carriedBytes = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `target` is a port on 127.0.0.1. `at`: where the proxy listens, by default on any free port of 127.0.0.1. */
  static async start(
    target: number,
    at: { host: string; port: number } = { host: '127.0.0.1', port: 0 },
  ): Promise<CutProxy> {
    const server = createServer();
    const proxy = new CutProxy(server);
    server.on('connection', (near) => proxy.#onConnection(near, target));
    await new Promise<void>((resolve) => server.listen(at.port, at.host, resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** In both directions. */
  get carriedBytes(): number {
    return this.#carriedBytes;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #onConnection(near: Socket, target: number): void {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => {
        this.#carriedBytes += data.length;
      });
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
