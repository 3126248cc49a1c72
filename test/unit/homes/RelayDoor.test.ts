import { type AddressInfo, connect } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../../../src/contracts/errors.ts';
import { RELAY_HEADER, RelayDoor } from '../../../src/homes/RelayDoor.ts';
import { createHttp } from '../../../src/http/createHttp.ts';

const logger = pino({ level: 'silent' });
const PASS = { [RELAY_HEADER]: 'good' };

let door: RelayDoor;
let internal: FastifyInstance;
let behind: FastifyInstance;
let url: string;

beforeEach(async () => {
  door = new RelayDoor(async (token) => {
    if (token !== 'good') throw new AppError('unauthorized');
  });
  internal = createHttp({ logger });
  behind = createHttp({ logger });
  door.register(internal);
  internal.server.on('upgrade', door.handleUpgrade);
  behind.put('/v1/rooms/:room', async (request) => ({ body: request.body, relayed: door.isRelayed(request.raw) }));
  await behind.ready();
  url = await internal.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await internal.close();
  await behind.close();
});

const put = (headers: Record<string, string>, body: string) =>
  fetch(`${url}/v1/rooms/r`, { method: 'PUT', headers: { 'content-type': 'application/json', ...headers }, body });

const openDoor = (): void =>
  door.open({ request: behind.routing, upgrade: (_request, socket) => socket.end('HTTP/1.1 418 Taken\r\n\r\n') });

/** The first line of the answer to an upgrade. */
function upgrade(header: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect((internal.server.address() as AddressInfo).port, '127.0.0.1');
    socket.once('error', reject);
    socket.once('data', (chunk: Buffer) => {
      socket.destroy();
      resolve(String(chunk).split('\r\n')[0] ?? '');
    });
    socket.write(
      `GET /socket.io/ HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n${header}\r\n\r\n`,
    );
  });
}

test('a call with a service token goes to whoever is behind, with its body', async () => {
  openDoor();
  const answer = await put(PASS, '{"a":[1,2]}');
  expect([answer.status, await answer.json()]).toEqual([200, { body: { a: [1, 2] }, relayed: true }]);
  const broken = await put(PASS, '{"a":');
  expect(broken.status).toBe(400);
});

test('without one, or with another, nothing gets through', async () => {
  openDoor();
  expect((await put({}, '{}')).status).toBe(401);
  expect((await put({ [RELAY_HEADER]: 'forged' }, '{}')).status).toBe(401);
  expect(await upgrade('x: y')).toBe('HTTP/1.1 401 Unauthorized');
});

test('before it is open, and after it is closed, who asks may ask again', async () => {
  const early = await put(PASS, '{}');
  expect([early.status, early.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await upgrade(`${RELAY_HEADER}: good`)).toBe('HTTP/1.1 503 Service Unavailable');
  openDoor();
  expect(await upgrade(`${RELAY_HEADER}: good`)).toBe('HTTP/1.1 418 Taken');
  door.close();
  expect((await put(PASS, '{}')).status).toBe(503);
});

test('what comes in at the public port is not relayed, whatever it says', async () => {
  const answer = await behind.inject({ method: 'PUT', url: '/v1/rooms/r', headers: PASS, payload: {} });
  expect(answer.json()).toMatchObject({ relayed: false });
});
