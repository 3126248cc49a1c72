/**
 * The relay (relay.ts) of RTMP and RTMPS: a TCP or TLS connection to the server, made by us, and given to one ffmpeg through a loopback port.
 * So the connection goes to the addresses that the policy has looked at, TLS certificates are checked (ffmpeg's own rtmps does not), what the
 * server really takes off our hands is seen (Acknowledgements.ts, sendQueue.ts), and little more than that is given to the kernel ahead.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import type { AllowedDestination } from '../destinationPolicy.ts';
import { Acknowledgements } from './Acknowledgements.ts';
import { connectUpstream, sentenceOf, type Upstream } from './connectUpstream.ts';
import type { Progress, Relay, RelayEnd, RelayEvents } from './relay.ts';
import { sendQueueBytes } from './sendQueue.ts';

/** How long the last bytes, and the server's own goodbye, may take, ms; then the connection is reset. */
const GOODBYE_LIMIT_MS = 1000;
/** How often it is looked whether the server has taken enough to go on, ms. */
const LOOK_EVERY_MS = 200;
/** The server is asked to acknowledge four times as often as it may be behind; within these, bytes. */
const MIN_INTERVAL_BYTES = 32 * 1024;
const MAX_INTERVAL_BYTES = 256 * 1024;
/** ffmpeg has nothing more when nothing has come from it for this long, ms; it passes on what it is given within some milliseconds. */
const HUNGRY_AFTER_MS = 50;

export class ConnectionRelay extends TypedEmitter<RelayEvents> implements Relay {
  readonly #upstream: Socket;
  readonly #tcp: Socket;
  readonly #server: Server;
  /** Both sides have said goodbye, or it was reset: nothing of the connection is left. */
  readonly #gone: Promise<void>;
  #downstream: Socket | undefined;
  #closed = false;
  #aborted = false;
  #receivedBytes = 0;
  /** Everything that was given to the connection. */
  #written = 0;
  readonly #acknowledgements = new Acknowledgements();
  #limit = Number.POSITIVE_INFINITY;
  /** Unacknowledged at the last measurement, and everything written since. */
  #inFlight = 0;
  #waiting: NodeJS.Timeout | undefined;
  /** It was full, and `hungry` is to be told. */
  #full = false;
  #hunger: NodeJS.Timeout | undefined;

  private constructor({ stream, tcp }: Upstream, server: Server) {
    super();
    this.#upstream = stream;
    this.#tcp = tcp;
    this.#server = server;
    this.#gone = new Promise((resolve) => stream.once('close', () => resolve()));
  }

  /** Connects; rejects with an Error whose message is a sentence for the user. `signal` ends the attempt. */
  static async open(destination: AllowedDestination, signal: AbortSignal): Promise<ConnectionRelay> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, resolve);
    });
    let upstream: Upstream;
    try {
      upstream = await connectUpstream(destination, signal);
    } catch (error) {
      server.close();
      throw error;
    }
    // Nothing is awaited from here on: an end of the connection finds its listeners.
    const relay = new ConnectionRelay(upstream, server);
    relay.#start();
    return relay;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Bytes that the kernel has taken for the server. */
  get sentBytes(): number {
    return Math.max(0, this.#upstream.bytesWritten - this.#upstream.writableLength);
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /**
   * What the kernel holds for the server counts as not acknowledged, and what the server's kernel holds for it neither, when it tells:
   * one that hangs takes nothing more.
   */
  async measure(): Promise<Progress> {
    const written = this.#written;
    const queued = ((await sendQueueBytes(this.#upstream)) ?? 0) + this.#upstream.writableLength;
    const { unread, interval } = this.#acknowledgements;
    const unacknowledged = Math.max(queued, unread === undefined ? 0 : unread - interval);
    this.#inFlight = unacknowledged + (this.#written - written);
    return { acknowledged: this.#written - unacknowledged, unacknowledged };
  }

  limitInFlight(bytes: number): void {
    this.#limit = bytes;
  }

  relax(): void {
    this.#full = false;
    clearTimeout(this.#hunger);
  }

  async close(): Promise<void> {
    this.#close('us', 'stopped');
    await this.#gone;
  }

  async abort(): Promise<void> {
    this.#abort();
    this.#close('us', 'stopped');
    await this.#gone;
  }

  #close(by: RelayEnd, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#waiting);
    clearTimeout(this.#hunger);
    this.#server.close();
    this.#downstream?.destroy();
    // What ffmpeg sent last (deleteStream) still goes out, if the server takes it; its own end says that it has heard.
    this.#upstream.end();
    this.#upstream.resume();
    const limit = setTimeout(() => this.#abort(), GOODBYE_LIMIT_MS);
    void this.#gone.then(() => clearTimeout(limit));
    this.emit('closed', by, reason, null);
  }

  /**
   * A reset reaches a server that takes no more bytes: the end of a stream would wait behind them, and the server would see the next connection
   * before it. TLS has no reset, the TCP connection below it does.
   */
  #abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#tcp.resetAndDestroy();
    this.#upstream.destroy();
  }

  #start(): void {
    this.#upstream.on('error', (error) => this.#close('server', sentenceOf(error)));
    this.#upstream.on('close', () => this.#close('server', 'the server closed the connection'));
    this.#upstream.on('drain', () => this.#goOn());
    this.#server.on('error', () => this.#close('ffmpeg', 'the loopback port failed'));
    this.#server.on('connection', (socket) => {
      if (this.#downstream || this.#closed) {
        socket.destroy();
        return;
      }
      this.#downstream = socket;
      this.#server.close();
      socket.setNoDelay(true);
      socket.on('error', () => this.#close('ffmpeg', 'ffmpeg closed the connection'));
      socket.on('close', () => this.#close('ffmpeg', 'ffmpeg closed the connection'));
      socket.on('data', (bytes) => this.#forward(socket, bytes));
      this.#upstream.on('data', (bytes) => {
        this.#receivedBytes += bytes.length;
        const answer = this.#acknowledgements.received(bytes, this.#interval);
        if (answer) this.#upstream.write(answer);
      });
      this.#upstream.pipe(socket);
      socket.resume();
    });
  }

  get #interval(): number {
    return Math.round(Math.min(MAX_INTERVAL_BYTES, Math.max(MIN_INTERVAL_BYTES, this.#limit / 4)));
  }

  #forward(from: Socket, bytes: Buffer): void {
    if (this.#closed) return;
    this.#written += bytes.length;
    this.#inFlight += bytes.length;
    this.#acknowledgements.sent(bytes);
    const taken = this.#upstream.write(bytes);
    if (this.#inFlight > this.#limit) this.#wait(from);
    else if (!taken) from.pause();
    if (this.#full) this.#expectHunger();
  }

  /** Nothing more is taken from ffmpeg until the server has acknowledged enough. */
  #wait(from: Socket): void {
    from.pause();
    if (this.#waiting) return;
    if (!this.#full) {
      this.#full = true;
      this.emit('full');
    }
    const look = async (): Promise<void> => {
      await this.measure();
      this.#waiting = undefined;
      if (this.#closed) return;
      if (this.#inFlight > this.#limit) this.#waiting = setTimeout(() => void look(), LOOK_EVERY_MS);
      else this.#goOn();
    };
    // At once: after a second's worth of media most of it has been taken long ago.
    this.#waiting = setTimeout(() => void look(), 0);
  }

  #goOn(): void {
    if (this.#closed || this.#waiting || this.#upstream.writableNeedDrain) return;
    this.#downstream?.resume();
    if (this.#full) this.#expectHunger();
  }

  #expectHunger(): void {
    clearTimeout(this.#hunger);
    if (this.#waiting) return;
    this.#hunger = setTimeout(() => this.emit('hungry'), HUNGRY_AFTER_MS);
  }
}
