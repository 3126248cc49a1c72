/** A page of today and a server of the version before, as there are in the middle of an upgrade. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { afterEach, expect, test, vi } from 'vitest';
import { SignalingClient } from '../../../client/studio/session/SignalingClient.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end();
  vi.unstubAllGlobals();
});

/** Signalling that speaks these protocol numbers; what it was asked for. */
async function server(...speaks: number[]): Promise<unknown[]> {
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'] });
  const asked: unknown[] = [];
  io.use((socket, next) => {
    const { protocol, token } = socket.handshake.auth;
    asked.push(`${protocol} ${token}`);
    // As the version before says it.
    const refusal = { code: 'bad-request', message: 'This server speaks protocol 1; reload the page.' };
    next(speaks.includes(protocol) ? undefined : Object.assign(new Error(refusal.message), { data: refusal }));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => io.close());
  vi.stubGlobal('location', { protocol: 'http:', host: `127.0.0.1:${(http.address() as AddressInfo).port}` });
  return asked;
}

/** How it ends: `connected`, or the code that is shown to the person. */
function connect(client: SignalingClient): Promise<string> {
  cleanup.push(() => client.close());
  return new Promise((resolve) => {
    client.socket.on('connect', () => resolve('connected'));
    client.socket.on('connect_error', (error) => {
      const code = String((error as { data?: { code?: unknown } }).data?.code);
      if (!client.asksOlder(code)) resolve(code);
    });
    client.socket.connect();
  });
}

test('a server of the version before is asked again in its protocol; a new token is for that one, too', async () => {
  const asked = await server(1);
  const client = new SignalingClient('demo', 't1');
  expect(await connect(client)).toBe('connected');
  expect(asked).toEqual(['2 t1', '1 t1']);
  client.setToken('t2');
  client.renew();
  await vi.waitFor(() => expect(asked).toEqual(['2 t1', '1 t1', '1 t2']));
});

test('one that refuses both is not asked a third time', async () => {
  const asked = await server(7);
  expect(await connect(new SignalingClient('demo', 't'))).toBe('bad-request');
  expect(asked).toEqual(['2 t', '1 t']);
});

test('a refusal of another kind is no matter of protocols', () => {
  expect(new SignalingClient('demo', 't').asksOlder('unauthorized')).toBe(false);
});
