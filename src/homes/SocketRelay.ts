/**
 * Sockets of people who came to another node than their room's home. In: WebSocket upgrades of the public port, with the room in the URL's query.
 * Out: those of rooms that are at home here, or nowhere, to signalling (SignalingServer.ts); the others raw to the home's internal port
 * (RelayDoor.ts). Nothing is claimed here: who it is that asks is only known when signalling has seen the token.
 */
import type { IncomingMessage } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Logger } from '../common/logger.ts';
import { RoomId } from '../contracts/ids.ts';
import type { RoomHome, RoomHomes } from '../directory/RoomHomes.ts';
import { closeUpgrade } from './closeUpgrade.ts';
import { RELAY_HEADER, SIGNALING_PATH } from './RelayDoor.ts';

/** A home that has not said a word after this is dead or frozen, ms. */
const ANSWER_LIMIT_MS = 5_000;
/** A home that gives a room back tells its people itself; who has not heard after this is cut off, ms. */
const GOODBYE_MS = 5_000;
/** An idle connection between nodes is looked after by the kernel, ms. */
const KEEP_ALIVE_MS = 10_000;

export interface SocketRelayOptions {
  homes: Pick<RoomHomes, 'isOwn' | 'homeOf'> & {
    on(event: 'elsewhere', listener: (room: string, url: string | null) => void): unknown;
  };
  newServiceToken: () => Promise<string>;
  goodbyeMs?: number;
  logger: Logger;
}

interface Pipe {
  room: string;
  /** Of the home's internal port. */
  url: string;
  near: Duplex;
  far: Socket;
}

export class SocketRelay {
  readonly #options: SocketRelayOptions;
  readonly #logger: Logger;
  readonly #pipes = new Set<Pipe>();
  #closed = false;

  constructor(options: SocketRelayOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ part: 'relay' });
    // A home that froze, or whose machine is gone, closes no connection: its people must not wait for their own limits.
    options.homes.on('elsewhere', (room, url) => this.#homeChanged(room, url));
  }

  get open(): number {
    return this.#pipes.size;
  }

  /** `here` is called when the room is not at home elsewhere, or nobody can say. */
  route(request: IncomingMessage, near: Duplex, head: Buffer, here: () => void): void {
    const { homes } = this.#options;
    const room = roomOf(request);
    if (room === undefined || homes.isOwn(room)) {
      here();
      return;
    }
    const onError = (): void => {
      near.destroy();
    };
    near.on('error', onError);
    const decided = (home: RoomHome | null): void => {
      if (near.destroyed) return;
      if (home && !home.own) {
        void this.#relay(room, home.url, request, near, head);
        return;
      }
      near.off('error', onError);
      here();
    };
    // Without the directory signalling says what is the matter, where the page can read it.
    homes.homeOf(room, { claim: false }).then(decided, () => decided(null));
  }

  /** Whoever is relayed loses the connection, and comes back by another node. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#cut(() => true);
  }

  async #relay(room: string, url: string, request: IncomingMessage, near: Duplex, head: Buffer): Promise<void> {
    const token = await this.#options.newServiceToken();
    if (near.destroyed || this.#closed) {
      near.destroy();
      return;
    }
    const home = new URL(url);
    const far = connectTo(home);
    const pipe = { room, url, near, far };
    this.#pipes.add(pipe);
    let answered = false;
    const timer = setTimeout(() => end(new Error('the home does not answer')), ANSWER_LIMIT_MS);
    const end = (error?: Error): void => {
      clearTimeout(timer);
      if (!this.#pipes.delete(pipe)) return;
      if (error) this.#logger.warn({ err: error, room, url }, 'a socket can not be relayed to its home');
      far.destroy();
      if (!answered && error) closeUpgrade(near, '503 Service Unavailable');
      // What the home has said last is written before.
      else near.end(() => near.destroy());
    };
    far.once('data', () => {
      answered = true;
      clearTimeout(timer);
    });
    far.on('error', (error) => end(answered ? undefined : error));
    far.on('close', () => end(answered ? undefined : new Error('the home closed the connection')));
    near.on('close', () => end());
    far.write(headOf(home, request, token));
    far.write(head);
    near.pipe(far).pipe(near);
  }

  #homeChanged(room: string, url: string | null): void {
    const stale = new Set([...this.#pipes].filter((pipe) => pipe.room === room && pipe.url !== url));
    if (stale.size === 0) return;
    const { goodbyeMs = GOODBYE_MS } = this.#options;
    setTimeout(() => this.#cut((pipe) => stale.has(pipe)), goodbyeMs).unref();
  }

  #cut(which: (pipe: Pipe) => boolean): void {
    for (const pipe of this.#pipes) if (which(pipe)) pipe.near.destroy();
  }
}

/** Nothing but signalling is piped to an internal port: other things are to be had there. */
function roomOf({ url = '' }: IncomingMessage): string | undefined {
  const [path, query] = url.split('?', 2);
  return path === SIGNALING_PATH ? RoomId.safeParse(new URLSearchParams(query).get('room')).data : undefined;
}

function connectTo({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  const far =
    protocol === 'https:'
      ? connectTls({ host, port: Number(port || 443), ...(isIP(host) ? {} : { servername: host }) })
      : connect({ host, port: Number(port || 80) });
  return far.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
}

/** The request as it came, with who it came from and our own token. */
function headOf({ pathname }: URL, request: IncomingMessage, token: string): string {
  const ours = [RELAY_HEADER, 'x-forwarded-for'];
  const { rawHeaders, headers, socket } = request;
  const lines: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (!ours.includes(rawHeaders[at]?.toLowerCase() ?? '')) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  const way = [headers['x-forwarded-for'] ?? [], socket.remoteAddress ?? []].flat().join(', ');
  lines.push(`${RELAY_HEADER}: ${token}`, `x-forwarded-for: ${way}`);
  return `GET ${pathname.replace(/\/$/, '')}${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}
