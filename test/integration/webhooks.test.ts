/** Webhooks of the whole server: real people, a real broadcast and destination, a real receiver, and kill -9 in between. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Swarm } from '../../scripts/simulator/Swarm.ts';
import { ServerApi } from '../../scripts/simulator/serverApi.ts';
import { Secret } from '../../src/common/Secret.ts';
import type { Recording } from '../../src/contracts/recording.ts';
import { eventSchemaOf, SIGNATURE_HEADER, WebhookAnswer } from '../../src/contracts/webhooks.ts';
import { verify } from '../../src/webhooks/signature.ts';
import { RtmpServer } from '../support/rtmpServer.ts';
import { ServerProcess } from '../support/ServerProcess.ts';
import { SignalingClient } from '../support/SignalingClient.ts';
import { WebhookReceiver } from '../support/webhooks/WebhookReceiver.ts';

const SECRET = 'a webhook secret of 32 characters';
const run = promisify(execFile);
const cleanUp: (() => Promise<unknown>)[] = [];
let receiver: WebhookReceiver;

beforeEach(async () => {
  receiver = await WebhookReceiver.start();
  cleanUp.push(() => receiver.close());
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await ServerProcess.start({ LIANMAI_SFU_WORKERS: '1', ...env });
  cleanUp.push(() => server.stop());
  return server;
}
const withSettings = () => ({ LIANMAI_WEBHOOK_URLS: receiver.url, LIANMAI_WEBHOOK_SECRET: SECRET });
const types = (room: string) => receiver.accepted.filter((e) => e.room === room).map((e) => e.type);
const has = (room: string, ...wanted: string[]) => wanted.every((type) => types(room).includes(type as never));

async function call(server: ServerProcess, method: string, path: string, body?: unknown) {
  const response = await fetch(server.url + path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

async function join(server: ServerProcess, room: string, role: 'host' | 'audience', name: string) {
  const token = await new ServerApi(server.url).joinToken(room, role, name);
  const client = await SignalingClient.connect(server.url, { token });
  cleanUp.push(async () => client.socket.disconnect());
  await client.call('join', {});
  return client;
}

test('a show from its first guest to its end: room, peers, seats, broadcast, destination and recording, in order, signed, as the contract says', async () => {
  const rtmp = await RtmpServer.start();
  cleanUp.push(() => rtmp.close());
  const server = await start({ ...withSettings(), LIANMAI_ALLOW_PRIVATE_DESTINATIONS: 'true' });
  const api = new ServerApi(server.url);
  const swarm = new Swarm({ url: server.url, peers: 1, token: () => api.joinToken('show', 'host', 'Ann') });
  cleanUp.push(() => swarm.stop());
  await swarm.start();
  const guest = await join(server, 'show', 'audience', 'Bob');
  await guest.call('seat:request', {});
  await api.startBroadcast('show', {
    destinations: [{ url: rtmp.url, key: 'the-stream-key' }],
    record: true,
  });
  await receiver.until(() => has('show', 'destination.live'), 30_000);
  // Who waits in the queue keeps the place for a while when the connection is lost; who does not is gone at once.
  await guest.call('seat:withdraw', {});
  guest.socket.disconnect();
  await receiver.until(() => has('show', 'peer.left'), 10_000);
  expect((await call(server, 'DELETE', '/v1/rooms/show')).status).toBe(204);
  await receiver.until(() => has('show', 'room.closed', 'recording.finished'), 60_000);

  const got = receiver.accepted.filter((e) => e.room === 'show');
  // A busy machine may make the program give way now and then.
  const told = got.map((e) => e.type).filter((type) => type !== 'broadcast.degraded');
  expect(told.filter((type) => /^(room|peer|seat)/.test(type))).toEqual([
    ...['room.opened', 'peer.joined', 'seat.granted', 'peer.joined', 'seat.requested', 'seat.withdrawn'],
    ...['peer.left', 'seat.left', 'peer.left', 'room.closed'],
  ]);
  expect(told.filter((type) => !/^(room|peer|seat|recording|destination.live|broadcast.live)/.test(type))).toEqual([
    ...['broadcast.starting', 'destination.connecting', 'destination.stopped', 'broadcast.ended'],
  ]);
  expect(told.filter((type) => type.startsWith('recording'))).toEqual(['recording.started', 'recording.finished']);
  const recording = got.find((e) => e.type === 'recording.finished')?.data.recording as Recording | undefined;
  expect((await fetch(`${server.url}${recording?.playlist}`)).status).toBe(200);
  expect(told.filter((type) => type.endsWith('.live')).sort()).toEqual(['broadcast.live', 'destination.live']);
  expect(got.map((e) => e.sequence)).toEqual(got.map((_, i) => i + 1));
  expect(receiver.mostAtOnce.get('show')).toBe(1);
  for (const { event, headers, body } of receiver.requests) {
    expect(eventSchemaOf(event.type).safeParse(event), event.type).toMatchObject({ success: true });
    expect(verify(String(headers[SIGNATURE_HEADER]), body, new Secret(SECRET), Date.now())).toBe(true);
    expect(body).not.toContain('the-stream-key');
  }
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toMatch(/^lianmai_webhook_events_total\{type="broadcast.live"\} 1$/m);
  expect(metrics).toContain(`\nlianmai_webhook_attempts_total{outcome="accepted"} ${got.length}\n`);
  expect(metrics).toMatch(/^lianmai_webhook_waiting 0$/m);
  expect(metrics).toContain(`\nlianmai_webhook_delay_seconds_count ${got.length}\n`);
});

test('kill -9 between event and delivery: after the restart it comes with the same id, and in order', async () => {
  receiver.answer = () => 'hang';
  const server = await start(withSettings());
  await join(server, 'crash', 'host', 'Ann');
  await receiver.until((r) => r.requests.length > 0);
  await server.kill();
  const [tried] = receiver.requests;
  expect(receiver.accepted).toEqual([]);
  receiver.answer = () => 200;
  const again = await server.again();
  cleanUp.push(() => again.stop());
  await receiver.until(() => has('crash', 'room.closed'));
  const got = receiver.accepted.filter((e) => e.room === 'crash');
  expect(got.map((e) => e.type)).toEqual(['room.opened', 'peer.joined', 'seat.granted', 'room.closed']);
  expect(got.map((e) => e.sequence)).toEqual([1, 2, 3, 4]);
  expect(got.at(-1)?.data).toMatchObject({ reason: 'server-lost' });
  const first = receiver.requests.filter((r) => r.event.id === tried?.event.id);
  expect(first.map((r) => r.status)).toEqual([undefined, 200]);
  expect(first[1]?.body).toBe(tried?.body);
});

describe('the API', () => {
  test('a webhook is made, told its secret once, changed, given a new secret, removed; its events can be listed and sent again', async () => {
    const server = await start({ LIANMAI_ALLOW_PRIVATE_WEBHOOKS: 'true' });
    const made = await call(server, 'PUT', '/v1/webhooks/my-app', { url: receiver.url, events: ['room.*'] });
    expect(made.status).toBe(201);
    const { webhook, secret } = WebhookAnswer.parse(made.body);
    expect(webhook).toMatchObject({ id: 'my-app', events: ['room.*'], source: 'api', waiting: 0 });
    await call(server, 'PUT', '/v1/rooms/made/broadcast', { emptyGraceSeconds: 1 });
    await receiver.until(() => has('made', 'room.opened'));
    const [request] = receiver.requests;
    const header = String(request?.headers[SIGNATURE_HEADER]);
    expect(verify(header, request?.body ?? '', new Secret(secret ?? ''), Date.now())).toBe(true);

    const changed = await call(server, 'PUT', '/v1/webhooks/my-app', { url: receiver.url, events: ['broadcast.*'] });
    expect([changed.status, changed.body.secret]).toEqual([200, null]);
    const renewed = await call(server, 'POST', '/v1/webhooks/my-app/secret', {});
    expect(renewed.body.secret).toMatch(/^whsec_/);
    expect((await call(server, 'GET', '/v1/webhooks')).body.webhooks).toHaveLength(1);
    expect(JSON.stringify((await call(server, 'GET', '/v1/webhooks/my-app')).body)).not.toContain('whsec_');

    const listed = async () => (await call(server, 'GET', '/v1/webhooks/my-app/deliveries?state=delivered')).body;
    await expect
      .poll(async () => (await listed()).deliveries.map((d: { type: string }) => d.type))
      .toContain('room.opened');
    const event = request?.event.id;
    const path = `/v1/webhooks/my-app/deliveries/${event}/resend`;
    expect((await call(server, 'POST', path)).body).toEqual({ resent: 1 });
    await receiver.until((r) => r.accepted.filter((e) => e.id === event).length === 2);
    expect((await call(server, 'POST', '/v1/webhooks/my-app/deliveries/resend')).body).toEqual({ resent: 0 });

    expect((await call(server, 'DELETE', '/v1/webhooks/my-app')).status).toBe(204);
    expect((await call(server, 'GET', '/v1/webhooks/my-app')).status).toBe(404);
    expect(server.output.join('\n')).not.toContain(secret);
    expect(server.output.join('\n')).not.toContain(renewed.body.secret);
  });

  test('refuses what is no webhook, private addresses, and callers without a token', async () => {
    const server = await start({ LIANMAI_SECRET: 'x'.repeat(32) });
    const { stdout } = await run(process.execPath, ['scripts/token.ts', '--audience', 'api'], {
      env: { ...process.env, LIANMAI_SECRET: 'x'.repeat(32) },
    });
    const put = async (id: string, body: unknown, token = stdout.trim()) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const answer = await fetch(`${server.url}/v1/webhooks/${id}`, {
        method: 'PUT',
        headers,
        body: JSON.stringify(body),
      });
      return `${answer.status} ${((await answer.json()) as { error: { code: string } }).error.code}`;
    };
    expect(await put('a', { url: receiver.url })).toBe('422 webhook-refused');
    expect(await put('a', { url: 'http://169.254.169.254/latest/meta-data' })).toBe('422 webhook-refused');
    expect(await put('a', { url: 'ftp://a.example/' })).toBe('422 webhook-refused');
    expect(await put('a', { url: 'https://8.8.8.8/', events: ['rooms'] })).toBe('400 bad-request');
    expect(await put('A', { url: 'https://8.8.8.8/' })).toBe('400 bad-request');
    expect(await put('settings-1', { url: 'https://8.8.8.8/' })).toBe('400 bad-request');
    expect(await put('a', { url: 'https://8.8.8.8/' }, 'nonsense')).toBe('401 unauthorized');
  });

  test('the API document has the routes, and each event in its section of webhooks', async () => {
    const server = await start();
    const document = (await call(server, 'GET', '/openapi.json')).body;
    expect(Object.keys(document.paths)).toContain('/v1/webhooks/{id}');
    expect(Object.keys(document.webhooks)).toContain('recording.finished');
    const { schema } = document.webhooks['peer.joined'].post.requestBody.content['application/json'];
    expect(schema.properties.data.properties.peer.properties.identity.type).toBe('string');
  });
});
