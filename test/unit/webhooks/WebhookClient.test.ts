import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../../src/contracts/errors.ts';
import { WebhookClient } from '../../../src/webhooks/WebhookClient.ts';
import type { PinnedAddress } from '../../../src/webhooks/webhookPolicy.ts';
import { type Answer, WebhookReceiver } from '../../support/webhooks/WebhookReceiver.ts';

const EVENT = JSON.stringify({
  ...{ id: 'w0123456789abcdef', type: 'peer.joined', createdAt: 1, room: 'demo', sequence: 1 },
  data: {},
});
const clients: WebhookClient[] = [];
let receiver: WebhookReceiver;

beforeEach(async () => {
  receiver = await WebhookReceiver.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await receiver.close();
});

function clientOf(options: { url?: string; attemptMs?: number; addresses?: () => Promise<PinnedAddress[]> } = {}) {
  const client = new WebhookClient({
    url: new URL(options.url ?? receiver.url),
    addresses: options.addresses ?? (async () => [{ address: '127.0.0.1', family: 4 }]),
    concurrency: 2,
    attemptMs: options.attemptMs ?? 5_000,
  });
  clients.push(client);
  return client;
}

describe('post', () => {
  test('sends the body as it is, to the address that was looked at, whatever the name resolves to', async () => {
    const client = clientOf({ url: `http://nowhere.invalid:${receiver.port}/hooks?a=1` });
    expect(await client.post(EVENT, { 'x-test': 'yes' })).toMatchObject({
      outcome: 'accepted',
      status: 200,
      reason: '',
    });
    const [request] = receiver.requests;
    expect(request?.body).toBe(EVENT);
    expect(request?.path).toBe('/hooks?a=1');
    expect(request?.headers).toMatchObject({
      host: `nowhere.invalid:${receiver.port}`,
      'content-type': 'application/json',
      'x-test': 'yes',
    });
  });

  test.each<[Answer, object]>([
    [204, { outcome: 'accepted', status: 204 }],
    [500, { outcome: 'refused', status: 500, reason: 'It answered 500.', retryAfterMs: null }],
    [410, { outcome: 'refused', status: 410 }],
    [
      { status: 503, headers: { 'retry-after': '7' } },
      { outcome: 'refused', retryAfterMs: 7_000 },
    ],
    ['cut', { outcome: 'unreachable', status: null, reason: 'The connection failed (ECONNRESET).' }],
  ])('%o is %o', async (answer, result) => {
    receiver.answer = () => answer;
    expect(await clientOf().post(EVENT, {})).toMatchObject(result);
  });

  test('a redirect is not followed', async () => {
    const inside = await WebhookReceiver.start();
    try {
      receiver.answer = () => ({ redirect: inside.url });
      expect(await clientOf().post(EVENT, {})).toMatchObject({ outcome: 'redirected', status: 302 });
      expect(inside.requests).toEqual([]);
    } finally {
      await inside.close();
    }
  });

  test('one that hangs is given up in time, before or after its headers', async () => {
    receiver.answer = () => 'hang';
    const client = clientOf({ attemptMs: 150 });
    expect(await client.post(EVENT, {})).toMatchObject({
      outcome: 'timeout',
      reason: 'There was no answer within 0.15 s.',
    });
    const dripping = createServer((socket) => socket.resume().write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'));
    await new Promise<void>((resolve) => dripping.listen(0, '127.0.0.1', resolve));
    const { port } = dripping.address() as { port: number };
    const connections = () => new Promise<number>((resolve) => dripping.getConnections((_, n) => resolve(n)));
    expect(await clientOf({ url: `http://127.0.0.1:${port}/`, attemptMs: 150 }).post(EVENT, {})).toMatchObject({
      outcome: 'accepted',
    });
    await expect.poll(connections).toBe(0);
    dripping.close();
  });

  test('nobody there, no name, and an address that is not allowed are told apart', async () => {
    const { port } = receiver;
    await receiver.close();
    expect(await clientOf({ url: `http://127.0.0.1:${port}/` }).post(EVENT, {})).toMatchObject({
      outcome: 'unreachable',
      reason: 'The connection failed (ECONNREFUSED).',
    });
    const refuse = (cause?: object) => async () => {
      throw new AppError('webhook-refused', 'Not there.', { cause });
    };
    expect(await clientOf({ addresses: refuse() }).post(EVENT, {})).toMatchObject({
      outcome: 'forbidden',
      reason: 'Not there.',
    });
    expect(await clientOf({ addresses: refuse({ syscall: 'getaddrinfo' }) }).post(EVENT, {})).toMatchObject({
      outcome: 'unreachable',
    });
  });

  test('a resolver that hangs holds one look-up, not one a request', async () => {
    let lookUps = 0;
    const addresses = () => {
      lookUps++;
      return new Promise<never>(() => {});
    };
    const client = clientOf({ addresses, attemptMs: 50 });
    expect((await client.post(EVENT, {})).outcome).toBe('timeout');
    expect((await client.post(EVENT, {})).outcome).toBe('timeout');
    expect(lookUps).toBe(1);
  });
});

test('connections are used again, and one that was closed meanwhile is no failure', async () => {
  const client = clientOf();
  await client.post(EVENT, {});
  await client.post(EVENT, {});
  expect(receiver.connections).toBe(1);
  const { port } = receiver;
  await receiver.close();
  receiver = await WebhookReceiver.start(port);
  expect((await client.post(EVENT, {})).outcome).toBe('accepted');
});

test('close cuts off what is under way; afterwards nothing is sent', async () => {
  receiver.answer = () => 'hang';
  const client = clientOf();
  const posting = client.post(EVENT, {});
  await receiver.until((r) => r.requests.length === 1);
  client.close();
  client.close();
  expect((await posting).outcome).toBe('unreachable');
  expect((await client.post(EVENT, {})).outcome).toBe('unreachable');
  expect(receiver.requests).toHaveLength(1);
});
