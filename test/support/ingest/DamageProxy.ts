/** A UDP hop between mediasoup and ingest that loses, doubles and reorders packets on the way to ingest, reproducibly. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface Damage {
  /**
   * Probability from 0 to 1 that a packet is lost, comes twice, or comes after the following one. A packet that is sent
   * again is not lost again, so that all can be mended.
   */
  lose: number;
  double: number;
  reorder: number;
  /** Loses what this says, on top. `isRtcp` by RFC 5761. */
  loseIf?: (datagram: Buffer, isRtcp: boolean) => boolean;
}

export const NO_DAMAGE: Damage = { lose: 0, double: 0, reorder: 0 };

export class DamageProxy {
  damage: Damage = NO_DAMAGE;
  readonly counts = { passed: 0, lost: 0, doubled: 0, reordered: 0 };
  readonly ip = '127.0.0.1';
  readonly #socket: Socket;
  #sfuPort = 0;
  #ingestPort = 0;
  #held: Buffer | null = null;
  /** SSRC and sequence number of each packet lost by chance. */
  readonly #lost = new Set<string>();
  #random = 12345;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (datagram, from) => {
      if (from.port === this.#ingestPort) socket.send(datagram, this.#sfuPort, this.ip);
      else if (from.port === this.#sfuPort) this.#toIngest(datagram);
    });
  }

  static async create(): Promise<DamageProxy> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DamageProxy(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  between(o: { sfuPort: number; ingestPort: number }): void {
    this.#sfuPort = o.sfuPort;
    this.#ingestPort = o.ingestPort;
  }

  close(): void {
    this.#socket.close();
  }

  #toIngest(datagram: Buffer): void {
    const isRtcp = (datagram[1] ?? 0) >= 192 && (datagram[1] ?? 0) <= 223;
    if (this.damage.loseIf?.(datagram, isRtcp) || (!isRtcp && this.#losesNow(datagram))) {
      this.counts.lost++;
      return;
    }
    if (!isRtcp && !this.#held && this.#chance(this.damage.reorder)) {
      this.counts.reordered++;
      this.#held = datagram;
      return;
    }
    this.#pass(datagram);
    if (!isRtcp && this.#chance(this.damage.double)) {
      this.counts.doubled++;
      this.#pass(datagram);
    }
    if (this.#held) this.#pass(this.#held);
    this.#held = null;
  }

  #losesNow(datagram: Buffer): boolean {
    const packet = `${datagram.readUInt32BE(8)} ${datagram.readUInt16BE(2)}`;
    if (this.#lost.has(packet) || !this.#chance(this.damage.lose)) return false;
    this.#lost.add(packet);
    return true;
  }

  #pass(datagram: Buffer): void {
    this.counts.passed++;
    this.#socket.send(datagram, this.#ingestPort, this.ip);
  }

  /** A linear congruential generator (Numerical Recipes): the same damage in each run. */
  #chance(probability: number): boolean {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return this.#random / 2 ** 32 < probability;
  }
}
