/** Upgrades piped between two real servers; only the directory is stood in for. */
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import type { Duplex } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TypedEmitter } from '../../../src/common/TypedEmitter.ts';
import { AppError } from '../../../src/contracts/errors.ts';
import type { RoomHome } from '../../../src/directory/RoomHomes.ts';
import { RELAY_HEADER } from '../../../src/homes/RelayDoor.ts';
import { SocketRelay } from '../../../src/homes/SocketRelay.ts';

class Homes extends TypedEmitter<{
  acquired: [room: string];
  lost: [room: string];
  elsewhere: [room: string, url: string | null];
}> {
  home: RoomHome | null | AppError = null;
  readonly asked: unknown[] = [];
  isOwn(room: string): boolean {
    return room === 'mine';
  }
  async homeOf(room: string, options?: { claim?: boolean }): Promise<RoomHome | null> {
    this.asked.push([room, options]);
    if (this.home instanceof AppError) throw this.home;
    return this.home;
  }
}

const portOf = (server: Server | TcpServer): number => (server.address() as AddressInfo).port;
const listening = (server: Server | TcpServer): Promise<void> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
const closedOf = (socket: Duplex): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));
const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';

let homes: Homes;
let relay: SocketRelay;
let front: Server;
let far: Server;
/** What came to the home. */
let arrived: { request: IncomingMessage; socket: Duplex }[];
let here: IncomingMessage[];

beforeEach(async () => {
  homes = new Homes();
  relay = new SocketRelay({
    ...{ homes, goodbyeMs: 20, logger: pino({ level: 'silent' }) },
    newServiceToken: async () => 'service-token',
  });
  [arrived, here] = [[], []];
  far = createServer().on('upgrade', (request, socket, head) => {
    arrived.push({ request, socket });
    socket.on('error', () => socket.destroy());
    socket.write(ACCEPTED);
    socket.write(head);
    socket.pipe(socket);
  });
  front = createServer().on('upgrade', (request, socket, head) =>
    relay.route(request, socket, head, () => {
      here.push(request);
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    }),
  );
  await Promise.all([listening(front), listening(far)]);
  homes.home = { url: `http://127.0.0.1:${portOf(far)}`, own: false };
});
afterEach(() => {
  relay.close();
  for (const server of [front, far]) server.close();
});

interface Upgraded {
  status: number;
  headers: IncomingMessage['headers'];
  socket: Socket | undefined;
}

/** What a client hears of its wish to upgrade. */
function upgrade(path: string, headers: Record<string, string> = {}): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest({
      ...{ host: '127.0.0.1', port: portOf(front), path },
      headers: { connection: 'Upgrade', upgrade: 'websocket', ...headers },
    });
    asking.on('upgrade', (response, socket) => {
      socket.on('error', () => socket.destroy());
      resolve({ status: response.statusCode ?? 0, headers: response.headers, socket: socket as Socket });
    });
    asking.on('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, socket: undefined });
    });
    asking.on('error', reject);
    asking.end();
  });
}

async function relayed(path = '/socket.io/?room=r&EIO=4'): Promise<{ near: Socket; home: Duplex }> {
  const { socket } = await upgrade(path);
  const home = arrived.at(-1)?.socket;
  if (!socket || !home) throw new Error('it was not relayed');
  return { near: socket, home };
}

const textOf = (socket: Duplex): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    socket.once('end', () => resolve(text));
  });

describe('a room that is at home elsewhere', () => {
  test('gets the upgrade as it came, with our own token and whom it came from', async () => {
    const forged = { [RELAY_HEADER]: 'forged', 'x-forwarded-for': '203.0.113.9', origin: 'https://a.example' };
    const { socket } = await upgrade('/socket.io/?room=r&EIO=4', forged);
    const { url, headers } = arrived[0]?.request ?? {};
    expect(url).toBe('/socket.io/?room=r&EIO=4');
    expect(headers).toMatchObject({ [RELAY_HEADER]: 'service-token', origin: 'https://a.example' });
    expect(headers?.['x-forwarded-for']).toBe('203.0.113.9, 127.0.0.1');
    expect(headers?.host).toBe(`127.0.0.1:${portOf(front)}`);
    expect(homes.asked).toEqual([['r', { claim: false }]]);
    socket?.destroy();
  });

  test('bytes go both ways, and the end of each side is the end of the other', async () => {
    const { near, home } = await relayed();
    const echo = new Promise<string>((resolve) => near.once('data', (chunk: Buffer) => resolve(String(chunk))));
    near.write('hello');
    expect(await echo).toBe('hello');
    expect(relay.open).toBe(1);
    const gone = closedOf(home);
    near.destroy();
    await gone;
    const next = await relayed();
    const said = textOf(next.near);
    next.home.end('last words');
    expect(await said).toBe('last words');
    await closedOf(next.near);
    await expect.poll(() => relay.open).toBe(0);
  });

  test('that is dead: 503, and the client may come again', async () => {
    homes.home = { url: 'http://127.0.0.1:1', own: false };
    expect(await upgrade('/socket.io/?room=r')).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(relay.open).toBe(0);
  });

  test('that takes the connection and says nothing: 503 as well', async () => {
    const taken: Socket[] = [];
    const mute = createTcpServer((socket) => taken.push(socket));
    await listening(mute);
    homes.home = { url: `http://127.0.0.1:${portOf(mute)}`, own: false };
    expect((await upgrade('/socket.io/?room=r')).status).toBe(503);
    for (const socket of taken) socket.destroy();
    mute.close();
  });

  test('whose home changes while the old one says nothing: the client is let go', async () => {
    const [stale, fine] = [await relayed(), await relayed('/socket.io/?room=other')];
    const gone = closedOf(stale.near);
    homes.emit('elsewhere', 'r', 'http://127.0.0.1:2');
    await gone;
    await expect.poll(() => relay.open).toBe(1);
    expect(fine.near.destroyed).toBe(false);
    fine.near.destroy();
  });

  test('closing the relay lets everybody go, and nobody is relayed any more', async () => {
    const { near } = await relayed();
    const gone = closedOf(near);
    relay.close();
    await gone;
    await expect(upgrade('/socket.io/?room=r')).rejects.toThrow();
  });
});

describe('what is ours to answer', () => {
  test.each([
    ['a room that is at home here', '/socket.io/?room=mine', { url: 'http://here', own: true }],
    ['a room without a home', '/socket.io/?room=r', null],
    ['no room', '/socket.io/?EIO=4', null],
    ['another path of the internal port', '/delivery?room=r', { url: 'http://127.0.0.1:1', own: false }],
    ['a path that only begins as ours', '/socket.io/../delivery?room=r', { url: 'http://127.0.0.1:1', own: false }],
    ['what is no name of a room', '/socket.io/?room=%2e%2e%2f', null],
    ['a directory that is away', '/socket.io/?room=r', new AppError('directory-unavailable')],
  ])('%s', async (_, path, home) => {
    homes.home = home;
    expect((await upgrade(path)).status).toBe(200);
    expect([here.length, arrived.length]).toEqual([1, 0]);
  });

  test('a client that is gone before it is known where the room is leaves nothing behind', async () => {
    const asked = Promise.withResolvers<RoomHome | null>();
    const asking = Promise.withResolvers<void>();
    homes.homeOf = () => {
      asking.resolve();
      return asked.promise;
    };
    const closed = new Promise<void>((resolve) =>
      front.once('upgrade', (_request, socket) => socket.once('close', () => resolve())),
    );
    const client = connect(portOf(front), '127.0.0.1');
    client.write('GET /socket.io/?room=r HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    await asking.promise;
    client.resetAndDestroy();
    await closed;
    asked.resolve(homes.home as RoomHome);
    await asked.promise;
    expect([relay.open, here.length, arrived.length]).toEqual([0, 0, 0]);
  });
});
