/** Calls relayed between two real HTTP servers; only the directory is stood in for. */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MemoryDirectory } from '../../../src/directory/MemoryDirectory.ts';
import type { RoomHome } from '../../../src/directory/RoomHomes.ts';
import { ApiRelay } from '../../../src/homes/ApiRelay.ts';
import { RELAY_HEADER } from '../../../src/homes/RelayDoor.ts';
import { SfuNodes } from '../../../src/homes/SfuNodes.ts';
import { createHttp } from '../../../src/http/createHttp.ts';

const logger = pino({ level: 'silent' });

interface Arrived {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: unknown;
}

let near: FastifyInstance;
let home: FastifyInstance;
let url: string;
let where: RoomHome | null;
let asked: unknown[];
let arrived: Arrived[];
let isRelayed: boolean;

beforeEach(async () => {
  [asked, arrived, isRelayed] = [[], [], false];
  home = createHttp({ logger });
  home.all('/*', async ({ method, url, headers, body }, reply) => {
    arrived.push({ method, url, headers, body });
    return reply
      .code(method === 'POST' ? 201 : 200)
      .header('etag', '"7"')
      .send({ from: 'home' });
  });
  const homeUrl = await home.listen({ host: '127.0.0.1', port: 0 });
  where = { url: homeUrl, own: false };
  const newServiceToken = async () => 'service-token';
  const relay = new ApiRelay({
    homeOf: async (room, options) => {
      asked.push([room, options.claim]);
      return where;
    },
    ...{ door: { isRelayed: () => isRelayed }, newServiceToken, logger },
    nodes: await SfuNodes.create({ directory: new MemoryDirectory({ node: 'http://a' }), newServiceToken, logger }),
  });
  near = createHttp({ logger });
  await relay.register(near);
  near.addHook('preValidation', relay.toHome);
  for (const path of ['/v1/rooms/:room', '/v1/rooms/:room/scene', '/v1/rooms/:room/destinations/:id', '/v1/usage'])
    near.route({ method: ['GET', 'PUT', 'POST', 'DELETE'], url: path, handler: async () => ({ from: 'here' }) });
  url = await near.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await near.close();
  await home.close();
});

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as { from?: string; error?: { code: string } };
  return { status: response.status, headers: response.headers, body: answer };
}

test('the home gets the call as it was, with our token and whom it came from; its answer is given as it is', async () => {
  const body = { list: [1, 'ü'], deep: { null: null } };
  const headers = { authorization: 'Bearer own', [RELAY_HEADER]: 'forged', 'x-forwarded-for': '203.0.113.9' };
  const answer = await call('POST', '/v1/rooms/r?a=%2F&b', body, headers);
  expect([answer.status, answer.headers.get('etag'), answer.body]).toEqual([201, '"7"', { from: 'home' }]);
  expect(arrived[0]).toMatchObject({ method: 'POST', url: '/v1/rooms/r?a=%2F&b', body });
  expect(arrived[0]?.headers).toMatchObject({
    ...{ authorization: 'Bearer own', [RELAY_HEADER]: 'service-token' },
    'x-forwarded-for': '203.0.113.9, 127.0.0.1',
  });
});

test.each(['GET', 'PUT', 'DELETE'])('%s without a body', async (method) => {
  expect((await call(method, '/v1/rooms/r')).body).toEqual({ from: 'home' });
  expect(arrived[0]?.method).toBe(method);
});

test('who only looks claims nothing, but for a scene, which is read where it is written', async () => {
  await call('GET', '/v1/rooms/r');
  await call('GET', '/v1/rooms/r/scene');
  await call('PUT', '/v1/rooms/r', {});
  await call('DELETE', '/v1/rooms/r');
  expect(asked.map((one) => (one as unknown[])[1])).toEqual([false, true, true, true]);
});

test('what is ours, is nowhere when it only asks, or is of no room, is answered here', async () => {
  expect((await call('GET', '/v1/usage')).body).toEqual({ from: 'here' });
  expect((await call('GET', '/v1/rooms/NO%20ROOM')).body).toEqual({ from: 'here' });
  expect(asked).toEqual([]);
  where = null;
  expect((await call('GET', '/v1/rooms/r')).body).toEqual({ from: 'here' });
  where = { url: 'http://here', own: true };
  expect((await call('PUT', '/v1/rooms/r', {})).body).toEqual({ from: 'here' });
  expect(arrived).toEqual([]);
});

test('one hop at most, and nobody to claim it: 503, to be asked again', async () => {
  isRelayed = true;
  const twice = await call('GET', '/v1/rooms/r');
  expect([twice.status, twice.headers.get('retry-after'), twice.body.error?.code]).toEqual([503, '1', 'wrong-node']);
  [isRelayed, where] = [false, null];
  expect((await call('PUT', '/v1/rooms/r', {})).body.error?.code).toBe('wrong-node');
});

test('a home that is dead: 503 at once, to be asked again', async () => {
  where = { url: 'http://127.0.0.1:1', own: false };
  const answer = await call('PUT', '/v1/rooms/r', {});
  expect([answer.status, answer.headers.get('retry-after'), answer.body.error?.code]).toEqual([503, '1', 'wrong-node']);
});
