/**
 * The TCP or TLS connection to an RTMP server, made by us, and given to one ffmpeg through a loopback port that takes exactly one
 * connection. So the connection goes to the addresses that the policy has looked at, TLS certificates are checked (ffmpeg's own
 * rtmps does not), and what the server really takes off our hands is seen.
 */
import { connect as connectTcp, createServer, type LookupFunction, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import type { AllowedDestination } from '../destinationPolicy.ts';
import { sendQueueBytes } from './sendQueue.ts';

/** A server that does not answer at all, ms. */
const CONNECT_LIMIT_MS = 10_000;
/** How long the last bytes may take to go out after the end, ms. */
const GOODBYE_LIMIT_MS = 1000;

export type RelayEnd = 'server' | 'ffmpeg' | 'us';

interface RelayEvents {
  /** The connection is gone; who ended it, and why in a sentence. */
  closed: [by: RelayEnd, reason: string];
}

export class ConnectionRelay extends TypedEmitter<RelayEvents> {
  readonly #upstream: Socket;
  readonly #server: Server;
  #downstream: Socket | undefined;
  #closed = false;

  private constructor(upstream: Socket, server: Server) {
    super();
    this.#upstream = upstream;
    this.#server = server;
  }

  /** Connects; rejects with an Error whose message is a sentence for the user. `signal` ends the attempt. */
  static async open(destination: AllowedDestination, signal: AbortSignal): Promise<ConnectionRelay> {
    const upstream = await connectUpstream(destination, signal);
    const server = createServer({ pauseOnConnect: true });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, resolve);
      });
    } catch (error) {
      upstream.destroy();
      throw error;
    }
    const relay = new ConnectionRelay(upstream, server);
    relay.#start();
    return relay;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The loopback port that ffmpeg connects to. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Bytes that the kernel has taken for the server. */
  get sentBytes(): number {
    return Math.max(0, this.#upstream.bytesWritten - this.#upstream.writableLength);
  }

  /** Bytes that wait because the server does not take them. */
  get pendingBytes(): number {
    return this.#upstream.writableLength;
  }

  /** The same for what the kernel has taken, and the server has not; undefined where that can not be seen. */
  async unacknowledgedBytes(): Promise<number | undefined> {
    const queued = await sendQueueBytes(this.#upstream);
    return queued === undefined ? undefined : queued + this.pendingBytes;
  }

  /** What was sent last still goes out, if the server takes it. Idempotent. */
  close(): void {
    this.#close('us', 'stopped');
  }

  #close(by: RelayEnd, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.close();
    this.#downstream?.destroy();
    // What ffmpeg sent last (deleteStream) still goes out, if the server takes it.
    this.#upstream.destroySoon();
    setTimeout(() => this.#upstream.destroy(), GOODBYE_LIMIT_MS).unref();
    this.emit('closed', by, reason);
  }

  #start(): void {
    this.#upstream.on('error', (error) => this.#close('server', sentenceOf(error)));
    this.#upstream.on('close', () => this.#close('server', 'the server closed the connection'));
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
      socket.pipe(this.#upstream);
      this.#upstream.pipe(socket);
    });
  }
}

function connectUpstream({ parsed, addresses }: AllowedDestination, signal: AbortSignal): Promise<Socket> {
  const lookup: LookupFunction = (_host, options, done) => {
    const first = addresses[0];
    if (options.all) done(null, addresses);
    else if (first) done(null, first.address, first.family);
    else done(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 4);
  };
  return new Promise((resolve, reject) => {
    const to = { host: parsed.host, port: parsed.port, lookup, autoSelectFamily: true };
    const socket =
      parsed.scheme === 'rtmps' ? connectTls({ ...to, servername: serverName(parsed.host) }) : connectTcp(to);
    socket.setNoDelay(true);
    const fail = (why: string): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.destroy();
      reject(new Error(why));
    };
    const abort = (): void => fail('stopped');
    const timer = setTimeout(() => fail('the server did not answer'), CONNECT_LIMIT_MS);
    const onError = (error: Error): void => fail(sentenceOf(error));
    socket.once('error', onError);
    socket.once(parsed.scheme === 'rtmps' ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.off('error', onError);
      resolve(socket);
    });
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
  });
}

/** SNI (RFC 6066 section 3) names hosts, never addresses. */
const serverName = (host: string): string => (/^[\d.]+$|:/.test(host) ? '' : host);

/** Node's network errors in words; nothing of the URL is in them. */
function sentenceOf(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known: Record<string, string> = {
    ECONNREFUSED: 'the server refused the connection',
    ECONNRESET: 'the server reset the connection',
    EPIPE: 'the server closed the connection',
    ETIMEDOUT: 'the server did not answer',
    EHOSTUNREACH: 'the server can not be reached',
    ENETUNREACH: 'the server can not be reached',
  };
  if (/CERT|VERIFY|ALTNAME/.test(code)) return `the server's certificate is not valid (${code})`;
  return known[code] ?? (code ? `the connection failed (${code})` : 'the connection failed');
}
