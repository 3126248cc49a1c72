/** A UDP hop that damages both ways alike: loses (also what is sent again, and RTCP), delays each packet by its own time, or is dead. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface HopDamage {
  /** Share of packets lost, 0 to 1. */
  loss: number;
  /** Delay, and how much it varies to either side, ms: later packets come earlier. */
  delayMs: number;
  jitterMs: number;
}

export const SOUND: HopDamage = { loss: 0, delayMs: 0, jitterMs: 0 };
export const DEAD: HopDamage = { loss: 1, delayMs: 0, jitterMs: 0 };

export class LossyHop {
  damage: HopDamage = SOUND;
  readonly counts = { passed: 0, lost: 0 };
  readonly ip = '127.0.0.1';
  readonly #socket: Socket;
  /** Where packets of anybody else go; what comes from there goes to `#near`. */
  #farPort = 0;
  #nearPort = 0;
  #random = 20251125;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (datagram, from) => {
      if (from.port !== this.#farPort) this.#nearPort = from.port;
      this.#pass(datagram, from.port === this.#farPort ? this.#nearPort : this.#farPort);
    });
  }

  static async create(): Promise<LossyHop> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new LossyHop(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  to(farPort: number): void {
    this.#farPort = farPort;
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
  }

  #pass(datagram: Buffer, port: number): void {
    const { loss, delayMs, jitterMs } = this.damage;
    if (port === 0 || this.#chance() < loss) {
      this.counts.lost++;
      return;
    }
    this.counts.passed++;
    const waitMs = delayMs + (2 * this.#chance() - 1) * jitterMs;
    if (waitMs <= 0) this.#send(datagram, port);
    else setTimeout(() => this.#send(datagram, port), waitMs);
  }

  #send(datagram: Buffer, port: number): void {
    if (!this.#closed) this.#socket.send(datagram, port, this.ip);
  }

  /** A linear congruential generator (Numerical Recipes), 0 to 1. */
  #chance(): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return this.#random / 2 ** 32;
  }
}
