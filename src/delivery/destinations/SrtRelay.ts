/**
 * The relay (relay.ts) of SRT: packets pass between a loopback port for one ffmpeg and a socket of ours that is connected to the server. SRT's
 * own protocol stays between these two; what is read on the way is what ffmpeg does not tell: why a connection was refused, what was
 * acknowledged, and that the server is silent. When ffmpeg dies without a word, the server is told the end in its stead: it would hold the stream key
 * for its idle time, 5 s, and refuse the next connection, or see two.
 */
import { createSocket, type Socket } from 'node:dgram';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import type { AllowedDestination } from '../destinationPolicy.ts';
import type { Progress, PushFailure, Relay, RelayEnd, RelayEvents } from './relay.ts';
import { readSrtPacket, rejectionSentence, type SrtPacket, sequenceDistance, shutdownPacket } from './srtPackets.ts';

/** More packets than libsrt's flow window are never on their way (SRTO_FC). */
const MAX_UNACKNOWLEDGED = 25_600;
/** The goodbye is UDP and may be lost: it is said so often. */
const SHUTDOWNS = 3;

export class SrtRelay extends TypedEmitter<RelayEvents> implements Relay {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #startedAt = performance.now();
  #ffmpegPort: number | undefined;
  #closed = false;
  #gone: Promise<void> | undefined;
  #sentBytes = 0;
  #receivedBytes = 0;
  /** The server's socket, once there is a connection; undefined again after a goodbye of either side. */
  #peer: number | undefined;
  #newest: number | undefined;
  #acknowledged: number | undefined;
  /** Payload bytes of the packets that are not acknowledged, oldest first. */
  #pending: { sequence: number; bytes: number }[] = [];
  #pendingBytes = 0;

  private constructor(near: Socket, far: Socket) {
    super();
    this.#near = near;
    this.#far = far;
  }

  /** Rejects with an Error whose message is a sentence for the user. */
  static async open({ parsed, addresses }: AllowedDestination): Promise<SrtRelay> {
    const [first] = addresses;
    const far = createSocket(first?.family === 6 ? 'udp6' : 'udp4');
    const near = createSocket('udp4');
    try {
      await bound(near, (done) => near.bind(0, '127.0.0.1', done));
      await bound(far, (done) => far.connect(parsed.port, first?.address ?? '', done));
    } catch {
      near.close();
      far.close();
      throw new Error('the server can not be reached');
    }
    const relay = new SrtRelay(near, far);
    relay.#start();
    return relay;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get port(): number {
    return this.#closed ? 0 : this.#near.address().port;
  }

  /** Payload, each packet once. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  async measure(): Promise<Progress> {
    return { acknowledged: this.#sentBytes - this.#pendingBytes, unacknowledged: this.#pendingBytes };
  }

  /** SRT's own: what is too late for its latency is dropped by the sender. */
  limitInFlight(): void {}

  relax(): void {}

  close(): Promise<void> {
    this.#close('us', 'stopped', null);
    return this.#gone ?? Promise.resolve();
  }

  abort(): Promise<void> {
    return this.close();
  }

  #close(by: RelayEnd, reason: string, failure: PushFailure | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gone = this.#sayGoodbye();
    this.emit('closed', by, reason, failure);
  }

  async #sayGoodbye(): Promise<void> {
    if (this.#peer !== undefined) {
      const goodbye = shutdownPacket(this.#peer, (performance.now() - this.#startedAt) * 1000);
      for (let i = 0; i < SHUTDOWNS; i++) await new Promise((resolve) => this.#far.send(goodbye, resolve));
    }
    await Promise.all([this.#near, this.#far].map((socket) => new Promise<void>((resolve) => socket.close(resolve))));
  }

  #start(): void {
    this.#near.on('message', (packet, { port }) => {
      this.#ffmpegPort ??= port;
      // Another process of this machine has no business here.
      if (port !== this.#ffmpegPort || this.#closed) return;
      this.#fromFfmpeg(readSrtPacket(packet));
      this.#far.send(packet, (error) => {
        if (error) this.#unreachable();
      });
    });
    this.#far.on('message', (packet) => {
      if (this.#closed || this.#ffmpegPort === undefined) return;
      this.#receivedBytes += packet.length;
      this.#near.send(packet, this.#ffmpegPort, '127.0.0.1', this.#ignore);
      this.#fromServer(readSrtPacket(packet));
    });
    this.#near.on('error', () => this.#close('ffmpeg', 'the loopback port failed', null));
    this.#far.on('error', () => this.#unreachable());
  }

  readonly #ignore = (): void => undefined;

  /** An ICMP error: nobody listens there. */
  #unreachable(): void {
    if (this.#peer === undefined) this.#close('server', 'the server refused the connection', 'unreachable');
    else this.#close('server', 'the server is not there any more', 'closed');
  }

  #fromFfmpeg(packet: SrtPacket): void {
    if (packet.type === 'shutdown') this.#peer = undefined;
    if (packet.type !== 'data' || packet.again) return;
    this.#sentBytes += packet.payloadBytes;
    this.#newest = packet.sequence;
    this.#pending.push({ sequence: packet.sequence, bytes: packet.payloadBytes });
    this.#pendingBytes += packet.payloadBytes;
    while (this.#pending.length > MAX_UNACKNOWLEDGED) this.#drop();
  }

  #fromServer(packet: SrtPacket): void {
    switch (packet.type) {
      case 'conclusion':
        this.#peer = packet.socketId;
        return;
      case 'ack':
        this.#acknowledge(packet.sequence);
        return;
      case 'rejection':
        this.#close('server', rejectionSentence(packet.reason), 'refused');
        return;
      case 'shutdown':
        this.#peer = undefined;
        this.#close('server', 'the server closed the connection', null);
        return;
      default:
    }
  }

  /** Everything before `sequence` has arrived, or is not waited for any more. */
  #acknowledge(sequence: number): void {
    if (this.#newest === undefined || sequenceDistance(this.#newest, sequence) > 1) return;
    if (this.#acknowledged !== undefined && sequenceDistance(this.#acknowledged, sequence) <= 0) return;
    this.#acknowledged = sequence;
    while (this.#pending[0] && sequenceDistance(this.#pending[0].sequence, sequence) > 0) this.#drop();
  }

  #drop(): void {
    this.#pendingBytes -= this.#pending.shift()?.bytes ?? 0;
  }
}

function bound(socket: Socket, begin: (done: (error?: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    begin((error) => {
      socket.off('error', reject);
      if (error) reject(error);
      else resolve();
    });
  });
}
