import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { createServer, getCACertificates, type Server, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { makeCertificate } from './certificate.ts';

/** TLS in front of a TCP server on loopback, under the name localhost, with a certificate that nobody knows until it is trusted. */
export class TlsFront {
  readonly #server: Server;
  readonly #cert: string;
  readonly #sockets = new Set<Socket>();
  /** The server names of those who came (SNI). */
  readonly names: string[] = [];

  private constructor(target: number, { cert, key }: { cert: string; key: string }) {
    this.#cert = cert;
    this.#server = createServer({ cert, key }, (near) => this.#accept(near, target));
    // Who does not like the certificate hangs up; that is the other side's story.
    this.#server.on('tlsClientError', () => undefined);
  }

  /** `target` is a port on 127.0.0.1. */
  static async start(target: number): Promise<TlsFront> {
    const files = await makeCertificate();
    const [cert, key] = await Promise.all([readFile(files.cert, 'utf8'), readFile(files.key, 'utf8')]);
    await files.remove();
    const front = new TlsFront(target, { cert, key });
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on this process takes its certificate for good. */
  trust(): void {
    setDefaultCACertificates([...getCACertificates(), this.#cert]);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(near: TLSSocket, target: number): void {
    this.names.push(String(near.servername));
    const far = connectTcp(target, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }
}
