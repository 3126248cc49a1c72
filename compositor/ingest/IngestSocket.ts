/** The one UDP port of an ingest: binds it within a range, takes datagrams from the connected address only. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6, SocketAddress } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { Logger } from '../../src/common/logger.ts';
import { TypedEmitter } from '../../src/common/TypedEmitter.ts';
import { UDP_RECEIVE_BUFFER } from '../../src/common/udpBuffers.ts';
import { AppError } from '../../src/contracts/errors.ts';

/** libuv reads a socket this often before it looks at anything else (uv__udp_recvmsg). */
const READ_AT_ONCE = 32;
/** Four of the buffer's fullest: then something else is wrong, and must not be waited for. */
const MOST_ROUNDS = 400;

export interface IngestSocketEvents {
  /** A datagram of the connected address. */
  datagram: [datagram: Buffer];
  /** The socket failed; it is closed. */
  failed: [error: Error];
}

export class IngestSocket extends TypedEmitter<IngestSocketEvents> {
  /** Datagrams of other addresses. */
  foreign = 0;
  #received = 0;
  readonly #socket: Socket;
  #remote: { ip: string; port: number } | null = null;
  #closed = false;

  private constructor(socket: Socket, logger: Logger) {
    super();
    this.#socket = socket;
    socket.on('message', (datagram, from) => this.#take(datagram, from));
    socket.on('error', (error) => {
      logger.error({ err: error }, 'media socket failed');
      this.close();
      this.emit('failed', error);
    });
  }

  /** Takes the first free port, from a random one on; `[0, 0]` any. Throws `no-capacity` where all are taken. */
  static async create(o: { ip: string; portRange: readonly [number, number]; logger: Logger }): Promise<IngestSocket> {
    const [first, last] = o.portRange;
    const count = last - first + 1;
    const start = Math.floor(Math.random() * count);
    for (let i = 0; i < count; i++) {
      const socket = createSocket({ type: isIPv6(o.ip) ? 'udp6' : 'udp4', recvBufferSize: UDP_RECEIVE_BUFFER });
      try {
        socket.bind({ port: first + ((start + i) % count), address: o.ip, exclusive: true });
        await once(socket, 'listening');
        return new IngestSocket(socket, o.logger);
      } catch (error) {
        socket.close();
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
    throw new AppError('no-capacity', `All media ports from ${first} to ${last} are taken.`);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Throws `bad-media` for what is no IP address. */
  connect(remote: { ip: string; port: number }): void {
    this.#remote = { ip: canonicalAddress(remote.ip), port: remote.port };
  }

  /** UDP: what the kernel has no room for is lost, as on the way. */
  send(datagram: Buffer): void {
    if (this.#closed || !this.#remote) return;
    this.#socket.send(datagram, this.#remote.port, this.#remote.ip, () => {});
  }

  /** Resolves when what the kernel holds has been told: after a stall that is more than the event loop reads by itself between two frames. */
  async drained(): Promise<void> {
    // To the check phase; from one to the next there is a whole poll phase, in which the socket is read.
    await setImmediate();
    for (let round = 0; round < MOST_ROUNDS && !this.#closed; round++) {
      const before = this.#received;
      await setImmediate();
      if (this.#received - before < READ_AT_ONCE) return;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #take(datagram: Buffer, from: RemoteInfo): void {
    if (this.#closed) return;
    this.#received++;
    if (from.port !== this.#remote?.port || from.address !== this.#remote.ip) {
      this.foreign++;
      return;
    }
    this.emit('datagram', datagram);
  }
}

/** As the kernel writes it: `::1`, not `0:0::1`. */
function canonicalAddress(ip: string): string {
  try {
    return new SocketAddress({ address: ip, family: isIPv6(ip) ? 'ipv6' : 'ipv4' }).address;
  } catch (cause) {
    throw new AppError('bad-media', 'The SFU named no IP address.', { cause });
  }
}
