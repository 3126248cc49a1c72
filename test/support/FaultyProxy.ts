import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP server of ours that misbehaves as servers do, with a real RTMP server behind it: it stops reading (a zero window), resets connections,
 * is gone. A slow one is SlowLink.ts. What it does may change while connections stand.
 */
export class FaultyProxy {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #near = new Set<Socket>();
  #port = 0;
  #stalled = false;
  /** Each connection is reset when it is this old, ms. */
  resetAfterMs: number | undefined;
  /** When it has reset one, `performance.now()`. */
  readonly resets: number[] = [];
  /** Connections taken since the start, and the most at a time. */
  connections = 0;
  mostConnections = 0;

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer({ pauseOnConnect: true }, (near) => this.#accept(near));
  }

  /** `target`: a port on 127.0.0.1, asked for each connection. */
  static async start(target: () => number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    await proxy.up();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Takes connections, on the same port as before. */
  async up(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Resets what is open and takes nothing more. */
  async down(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const near of this.#near) near.resetAndDestroy();
    await closed;
  }

  /** Nothing more is read, of new connections neither: their windows close. */
  stall(): void {
    this.#stalled = true;
    for (const near of this.#near) near.pause();
  }

  flow(): void {
    this.#stalled = false;
    for (const near of this.#near) near.resume();
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.down();
  }

  #accept(near: Socket): void {
    const far = connect(this.#target(), '127.0.0.1');
    this.#near.add(near);
    this.connections += 1;
    this.mostConnections = Math.max(this.mostConnections, this.#near.size);
    const { resetAfterMs } = this;
    const reset = (): void => {
      this.resets.push(performance.now());
      near.resetAndDestroy();
    };
    const timer = resetAfterMs === undefined ? undefined : setTimeout(reset, resetAfterMs);
    near.on('error', () => undefined);
    far.on('error', () => undefined);
    near.on('close', () => {
      this.#near.delete(near);
      clearTimeout(timer);
      far.destroy();
    });
    far.on('close', () => near.destroy());
    near.on('data', (bytes) => far.write(bytes));
    far.pipe(near);
    if (!this.#stalled) near.resume();
  }
}
