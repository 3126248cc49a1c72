/** The way from an event to a user's server, with a real store, real queues, real requests and real receivers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/common/Secret.ts';
import { SIGNATURE_HEADER } from '../../../src/contracts/webhooks.ts';
import { verify } from '../../../src/webhooks/signature.ts';
import { type Received, WebhookReceiver } from '../../support/webhooks/WebhookReceiver.ts';
import { nameOf, type RigOptions, WebhookRig } from '../../support/webhooks/webhookRig.ts';

const rigs: WebhookRig[] = [];
let receiver: WebhookReceiver;
let other: WebhookReceiver;

beforeEach(async () => {
  receiver = await WebhookReceiver.start();
  other = await WebhookReceiver.start();
});
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
  await receiver.close();
  await other.close();
});

async function rigOf(options: RigOptions = {}): Promise<WebhookRig> {
  const rig = await WebhookRig.start(options);
  rigs.push(rig);
  return rig;
}
const accepted = (n: number) => (r: WebhookReceiver) => r.accepted.length >= n;
const names = (r: WebhookReceiver, room: string) => r.accepted.filter((e) => e.room === room).map(nameOf);
const signedBy = (request: Received | undefined, secret: string): boolean =>
  verify(String(request?.headers[SIGNATURE_HEADER]), request?.body ?? '', new Secret(secret), Date.now());

describe('an event', () => {
  test('has id, type, time, room, number and data, and is signed', async () => {
    const rig = await rigOf({ settingsUrls: [receiver.url] });
    rig.emit('demo', 'Ann');
    rig.emit('demo', 'Bob');
    await receiver.until(accepted(2));
    const [first, second] = receiver.requests;
    expect(first?.event).toEqual({
      id: expect.stringMatching(/^w[a-z0-9]{16}$/),
      type: 'peer.joined',
      createdAt: expect.closeTo(Date.now(), -4),
      room: 'demo',
      sequence: 1,
      data: { peer: { id: 'paaaaaaaa', identity: 'ann', name: 'Ann', role: 'host' } },
    });
    expect(second?.event.sequence).toBe(2);
    expect(signedBy(first, rig.settingsSecret.reveal())).toBe(true);
    expect(first?.headers['user-agent']).toBe('Lianmai/test');
  });

  test('goes to whoever wants its kind', async () => {
    const rig = await rigOf();
    await rig.put('all', receiver.url);
    await rig.put('some', other.url, ['peer.joined', 'room.*']);
    rig.emit('demo', 'Ann');
    rig.webhooks.emit('seat.requested', 'demo', { peer: { id: 'paaaaaaaa', identity: 'a', name: 'A', role: 'host' } });
    rig.webhooks.emit('room.closed', 'demo', { openedAt: 1, reason: 'room-closed' });
    await receiver.until(accepted(3));
    await other.until(accepted(2));
    expect(receiver.accepted.map((e) => e.type)).toEqual(['peer.joined', 'seat.requested', 'room.closed']);
    expect(other.accepted.map((e) => [e.type, e.sequence])).toEqual([
      ['peer.joined', 1],
      ['room.closed', 3],
    ]);
  });

  test('that is not what the contract says is told to nobody, and holds up nothing', async () => {
    const rig = await rigOf({ settingsUrls: [receiver.url] });
    rig.webhooks.emit('room.closed', 'demo', { openedAt: 'yesterday' } as never);
    rig.emit('demo', 'Ann');
    await receiver.until(accepted(1));
    expect(receiver.accepted[0]?.sequence).toBe(1);
    expect(rig.log.join('')).toContain('not what the contract says');
  });

  test('holds no more than the contract says', async () => {
    const rig = await rigOf({ settingsUrls: [receiver.url] });
    const peer = { id: 'paaaaaaaa', identity: 'a', name: 'A', role: 'host' as const, token: 'hidden' };
    rig.webhooks.emit('peer.joined', 'demo', { peer });
    await receiver.until(accepted(1));
    expect(receiver.requests[0]?.body).not.toContain('hidden');
  });
});

describe('order and retries', () => {
  test('a room’s events come in order, one at a time, whatever fails in between', async () => {
    const rig = await rigOf({ settingsUrls: [receiver.url] });
    const tries = new Map<string, number>();
    receiver.answer = (event) => {
      const tried = (tries.get(event.id) ?? 0) + 1;
      tries.set(event.id, tried);
      // Each third event fails twice in a way of its own.
      if (event.sequence % 3 !== 0 || tried > 2) return 200;
      return tried === 1 ? 500 : 'cut';
    };
    const rooms = ['one', 'two', 'three'];
    for (let n = 1; n <= 12; n++) for (const room of rooms) rig.emit(room, `${room} ${n}`);
    await receiver.until(accepted(36));
    for (const room of rooms) {
      expect(names(receiver, room)).toEqual(Array.from({ length: 12 }, (_, i) => `${room} ${i + 1}`));
      expect(receiver.mostAtOnce.get(room)).toBe(1);
    }
    const third = receiver.requests.filter((r) => r.event.room === 'one' && r.event.sequence === 3);
    expect(third.map((r) => r.status)).toEqual([500, undefined, 200]);
    expect(new Set(third.map((r) => r.event.id)).size).toBe(1);
    expect(new Set(third.map((r) => r.body)).size).toBe(1);
    await expect.poll(() => rig.metric('lianmai_webhook_attempts_total', { outcome: 'accepted' })).toBe(36);
    expect(await rig.metric('lianmai_webhook_attempts_total', { outcome: 'refused' })).toBe(12);
    // A cut of a connection that was used before counts as the receiver's closing it, and is tried on a fresh one at once.
    expect(await rig.metric('lianmai_webhook_attempts_total', { outcome: 'unreachable' })).toBeLessThanOrEqual(12);
    expect(await rig.metric('lianmai_webhook_events_total', { type: 'peer.joined' })).toBe(36);
    await expect.poll(() => rig.metric('lianmai_webhook_waiting')).toBe(0);
  });

  test('500, then 200: the second attempt comes after the wait, not before', async () => {
    const rig = await rigOf({ settingsUrls: [receiver.url], retry: { firstMs: 200, maxMs: 200 } });
    const at: number[] = [];
    receiver.answer = () => (at.push(performance.now()) === 1 ? 500 : 200);
    rig.emit('demo', 'Ann');
    await receiver.until(accepted(1));
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(95);
  });

  test('a slow endpoint delays no other, and a room that fails delays no other room', async () => {
    const rig = await rigOf({ settingsUrls: [receiver.url, other.url], retry: { firstMs: 60_000, maxMs: 60_000 } });
    receiver.answer = () => 'hang';
    other.answer = (event) => (event.room === 'broken' ? 500 : 200);
    rig.emit('broken', 'x');
    for (let n = 0; n < 20; n++) rig.emit(`room${n}`, 'x');
    await other.until(accepted(20));
    expect(receiver.accepted).toEqual([]);
    await expect.poll(() => rig.metric('lianmai_webhook_waiting')).toBe(22);
  });

  test('an endpoint gets at most 8 requests at a time', async () => {
    const rig = await rigOf({ settingsUrls: [receiver.url] });
    let now = 0;
    let most = 0;
    receiver.answer = async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 20));
      now--;
      return 200;
    };
    for (let n = 0; n < 40; n++) rig.emit(`room${n}`, 'x');
    await receiver.until(accepted(40));
    expect(most).toBe(8);
  });

  test('one begins to fail and is well again: two lines in the log, whatever the attempts', async () => {
    const rig = await rigOf({ settingsUrls: [receiver.url] });
    receiver.answer = () => (receiver.requests.length < 6 ? 503 : 200);
    rig.emit('demo', 'Ann');
    await receiver.until(accepted(1));
    await expect.poll(() => rig.log.filter((line) => line.includes('accepted again')).length).toBe(1);
    expect(rig.log.filter((line) => line.includes('"webhook is not accepted"'))).toHaveLength(1);
  });
});

describe('giving up', () => {
  const short = { firstMs: 5, maxMs: 5, giveUpMs: 200 };

  test('after its time an event is dead, listed, and the next one comes; by hand it is sent again', async () => {
    const rig = await rigOf({ retry: short });
    await rig.put('hook', receiver.url);
    receiver.answer = (event) => (nameOf(event) === 'poison' ? 500 : 200);
    rig.emit('demo', 'poison');
    rig.emit('demo', 'Ann');
    await receiver.until(accepted(1));
    expect(names(receiver, 'demo')).toEqual(['Ann']);
    const { endpoints } = rig.webhooks;
    const list = (state: 'dead' | 'delivered') => endpoints.deliveries('hook', { state, limit: 100 });
    await expect.poll(async () => (await list('delivered')).deliveries).toMatchObject([{ attempts: 1, status: 200 }]);
    const [dead] = (await list('dead')).deliveries;
    expect(dead).toMatchObject({ sequence: 1, status: 500, reason: 'It answered 500.', nextAttemptAt: null });
    expect(dead?.attempts).toBeGreaterThan(1);
    expect(await rig.metric('lianmai_webhook_given_up_total', { reason: 'expired' })).toBe(1);
    receiver.answer = () => 200;
    expect(await endpoints.resend('hook')).toBe(1);
    await receiver.until(accepted(2));
    expect(receiver.accepted.at(-1)).toMatchObject({ id: dead?.event, sequence: 1 });
    await expect.poll(async () => (await list('delivered')).deliveries.map((d) => d.sequence)).toEqual([1, 2]);
    expect((await list('dead')).deliveries).toEqual([]);
    expect(await endpoints.resend('hook', dead?.event)).toBe(1);
    await receiver.until(accepted(3));
    await expect(endpoints.resend('hook', 'w0000000000000000')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('more than may wait are dead at once, and can be sent again', async () => {
    const rig = await rigOf({ maxWaiting: 5, retry: { firstMs: 60_000, maxMs: 60_000 } });
    await rig.put('hook', receiver.url);
    receiver.answer = () => 500;
    for (let n = 0; n < 5; n++) rig.emit('demo', `${n}`);
    await receiver.until((r) => r.requests.length === 1);
    for (let n = 5; n < 8; n++) rig.emit('demo', `${n}`);
    const { endpoints } = rig.webhooks;
    const dead = async () => (await endpoints.deliveries('hook', { state: 'dead', limit: 10 })).deliveries;
    await expect
      .poll(async () => (await dead()).map((d) => [d.sequence, d.reason]))
      .toEqual([
        [8, 'The queue was full.'],
        [7, 'The queue was full.'],
        [6, 'The queue was full.'],
      ]);
    expect(await rig.metric('lianmai_webhook_given_up_total', { reason: 'full' })).toBe(3);
    expect(await rig.metric('lianmai_webhook_waiting')).toBe(5);
    await expect(endpoints.resend('hook')).rejects.toMatchObject({ code: 'conflict' });
    receiver.answer = () => 200;
    await rig.put('hook', receiver.url);
    await receiver.until(accepted(5));
    await expect.poll(() => rig.metric('lianmai_webhook_waiting')).toBe(0);
    expect(await endpoints.resend('hook')).toBe(3);
    await receiver.until(accepted(8));
    expect(names(receiver, 'demo')).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });
});

describe('a restart', () => {
  test('what was not accepted comes afterwards, in order, with the same ids; numbers go on', async () => {
    receiver.answer = () => 500;
    const before = await rigOf({ settingsUrls: [receiver.url], retry: { firstMs: 60_000, maxMs: 60_000 } });
    for (const name of ['one', 'two', 'three']) before.emit('demo', name);
    await receiver.until((r) => r.requests.length === 1);
    const tried = receiver.requests[0]?.event;
    await before.stop();
    rigs.length = 0;
    receiver.answer = () => 200;
    const after = await rigOf({ settingsUrls: [receiver.url], folder: before.folder });
    after.emit('demo', 'four');
    await expect.poll(() => after.metric('lianmai_webhook_waiting')).toBe(4);
    // The first one waits for its next attempt, an hour at most; who changes nothing waits. Here it is looked at as a day later would.
    after.database.run('UPDATE webhook_deliveries SET next_at = 0');
    await after.stop();
    rigs.length = 0;
    await rigOf({ settingsUrls: [receiver.url], folder: before.folder });
    await receiver.until(accepted(4));
    expect(names(receiver, 'demo')).toEqual(['one', 'two', 'three', 'four']);
    expect(receiver.accepted.map((e) => e.sequence)).toEqual([1, 2, 3, 4]);
    expect(receiver.accepted[0]).toEqual(tried);
  });

  test('a room that was open when the process died is told to be closed', async () => {
    const before = await rigOf({ settingsUrls: [receiver.url] });
    before.webhooks.emit('room.opened', 'left', { openedAt: 5 });
    before.webhooks.emit('room.opened', 'ended', { openedAt: 6 });
    before.webhooks.emit('room.closed', 'ended', { openedAt: 6, reason: 'room-closed' });
    await receiver.until(accepted(3));
    await before.stop();
    rigs.length = 0;
    await rigOf({ settingsUrls: [receiver.url], folder: before.folder });
    await receiver.until(accepted(4));
    expect(receiver.accepted.at(-1)).toMatchObject({
      type: 'room.closed',
      room: 'left',
      sequence: 2,
      data: { reason: 'server-lost', openedAt: expect.closeTo(Date.now(), -4) },
    });
  });

  test('a URL that is not in the settings any more gets nothing more', async () => {
    receiver.answer = () => 500;
    const before = await rigOf({ settingsUrls: [receiver.url] });
    before.emit('demo', 'Ann');
    await receiver.until((r) => r.requests.length > 0);
    await before.stop();
    rigs.length = 0;
    const after = await rigOf({ settingsUrls: [other.url], folder: before.folder });
    expect((await after.webhooks.endpoints.list()).map((e) => e.url)).toEqual([other.url]);
    expect(after.database.all('SELECT * FROM webhook_deliveries')).toEqual([]);
  });
});

test('disk full: events are sent from memory, in order and numbered, and it is counted', async () => {
  let full = false;
  const rig = await rigOf({
    settingsUrls: [receiver.url],
    store: (store) =>
      new Proxy(store, {
        get: (target, name: keyof typeof store) =>
          full && (name === 'append' || name === 'settle')
            ? () => Promise.reject(new Error('database or disk is full'))
            : target[name].bind(target),
      }),
  });
  rig.emit('demo', 'before');
  await receiver.until(accepted(1));
  full = true;
  rig.emit('demo', 'during');
  await receiver.until(accepted(2));
  full = false;
  rig.emit('demo', 'after');
  await receiver.until(accepted(3));
  expect(receiver.accepted.map((e) => [nameOf(e), e.sequence])).toEqual([
    ['before', 1],
    ['during', 2],
    ['after', 3],
  ]);
  expect(await rig.metric('lianmai_webhook_unsaved_events_total')).toBe(1);
  await expect.poll(() => rig.metric('lianmai_webhook_waiting')).toBe(0);
});

describe('endpoints of the API', () => {
  test('the secret is told once, signs, and is nowhere in the clear on the disk or in the log', async () => {
    const rig = await rigOf();
    const secret = await rig.put('hook', receiver.url);
    expect(secret).toMatch(/^whsec_/);
    expect(await rig.put('hook', receiver.url)).toBe('');
    expect(JSON.stringify(await rig.webhooks.endpoints.get('hook'))).not.toContain(secret);
    rig.emit('demo', 'Ann');
    await receiver.until(accepted(1));
    expect(signedBy(receiver.requests[0], secret)).toBe(true);
    for (const file of readdirSync(rig.folder))
      expect(readFileSync(join(rig.folder, file), 'latin1')).not.toContain(secret);
    expect(rig.log.join('')).not.toContain(secret);
    await rig.stop();
    rigs.length = 0;
    const after = await rigOf({ folder: rig.folder });
    after.emit('demo', 'Bob');
    await receiver.until(accepted(2));
    expect(signedBy(receiver.requests[1], secret)).toBe(true);
  });

  test('a new secret: both sign for the overlap, then the new one alone', async () => {
    const rig = await rigOf();
    const first = await rig.put('hook', receiver.url);
    const { secret, webhook } = await rig.webhooks.endpoints.rotate('hook', 3600);
    expect(webhook.oldSecretUntil).toBeGreaterThan(Date.now());
    rig.emit('demo', 'Ann');
    await receiver.until(accepted(1));
    expect([first, secret.reveal()].map((s) => signedBy(receiver.requests[0], s))).toEqual([true, true]);
    const last = (await rig.webhooks.endpoints.rotate('hook', 0)).secret;
    rig.emit('demo', 'Bob');
    await receiver.until(accepted(2));
    const by = [first, secret.reveal(), last.reveal()].map((s) => signedBy(receiver.requests[1], s));
    expect(by).toEqual([false, false, true]);
  });

  test('another LIANMAI_SECRET: the webhook says that it needs a new secret, and works with one', async () => {
    const before = await rigOf();
    await before.put('hook', receiver.url);
    await before.stop();
    rigs.length = 0;
    const after = await rigOf({ folder: before.folder, secret: 'another secret of 32 characters!' });
    const { endpoints } = after.webhooks;
    expect((await endpoints.get('hook')).reason).toMatch(/LIANMAI_SECRET has changed/);
    const { secret } = await endpoints.rotate('hook', 3600);
    after.emit('demo', 'Ann');
    await receiver.until(accepted(1));
    expect(signedBy(receiver.requests[0], secret.reveal())).toBe(true);
  });

  test('a disabled one gets nothing new, and goes on with what waited when it is enabled', async () => {
    const rig = await rigOf({ retry: { firstMs: 60_000, maxMs: 60_000 } });
    const { endpoints } = rig.webhooks;
    const input = { url: receiver.url, events: ['*'], description: '' };
    await endpoints.put('hook', { ...input, enabled: true });
    receiver.answer = () => 500;
    rig.emit('demo', 'waits');
    await receiver.until((r) => r.requests.length === 1);
    await endpoints.put('hook', { ...input, enabled: false });
    rig.emit('demo', 'missed');
    expect(await endpoints.get('hook')).toMatchObject({ enabled: false, waiting: 1 });
    receiver.answer = () => 200;
    await endpoints.put('hook', { ...input, enabled: true });
    await receiver.until(accepted(1));
    rig.emit('demo', 'after');
    await receiver.until(accepted(2));
    expect(names(receiver, 'demo')).toEqual(['waits', 'after']);
  });

  test('a changed URL is tried at once, without waiting for the old one', async () => {
    const rig = await rigOf({ retry: { firstMs: 60_000, maxMs: 60_000 } });
    await rig.put('hook', receiver.url);
    receiver.answer = () => 'hang';
    rig.emit('demo', 'Ann');
    await receiver.until((r) => r.requests.length === 1);
    await rig.put('hook', other.url);
    await other.until(accepted(1));
    expect(other.requests[0]?.body).toBe(receiver.requests[0]?.body);
  });

  test('removed: nothing more comes, and nothing is left of it', async () => {
    const rig = await rigOf();
    await rig.put('hook', receiver.url);
    receiver.answer = () => 500;
    rig.emit('demo', 'Ann');
    await receiver.until((r) => r.requests.length > 0);
    await rig.webhooks.endpoints.delete('hook');
    rig.emit('demo', 'Bob');
    expect(await rig.webhooks.endpoints.list()).toEqual([]);
    expect(rig.database.all('SELECT * FROM webhook_deliveries')).toEqual([]);
    expect(await rig.metric('lianmai_webhook_waiting')).toBe(0);
    await expect(rig.webhooks.endpoints.delete('hook')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('private addresses need the setting; those of LIANMAI_WEBHOOK_URLS do not, and are not changed by the API', async () => {
    const rig = await rigOf({ allowPrivate: false, settingsUrls: [receiver.url] });
    await expect(rig.put('hook', other.url)).rejects.toMatchObject({ code: 'webhook-refused' });
    const [settings] = await rig.webhooks.endpoints.list();
    expect(settings).toMatchObject({ source: 'settings', url: receiver.url });
    const id = settings?.id ?? '';
    await expect(rig.put(id, receiver.url)).rejects.toMatchObject({ code: 'conflict' });
    await expect(rig.webhooks.endpoints.delete(id)).rejects.toMatchObject({ code: 'conflict' });
    await expect(rig.webhooks.endpoints.rotate(id, 0)).rejects.toMatchObject({ code: 'conflict' });
    rig.emit('demo', 'Ann');
    await receiver.until(accepted(1));
  });

  test('at most 50', async () => {
    const rig = await rigOf();
    for (let n = 0; n < 50; n++) await rig.put(`hook-${n}`, receiver.url, ['room.opened']);
    await expect(rig.put('one-more', receiver.url)).rejects.toMatchObject({ code: 'conflict' });
    expect(await rig.put('hook-7', receiver.url, ['room.closed'])).toBe('');
  });
});

test('close waits for the last words, and nothing is emitted after it', async () => {
  const rig = await rigOf({ settingsUrls: [receiver.url] });
  rig.webhooks.emit('room.closed', 'demo', { openedAt: 1, reason: 'shutting-down' });
  await Promise.all([rig.webhooks.close(), rig.webhooks.close()]);
  expect(receiver.accepted.map((e) => e.type)).toEqual(['room.closed']);
  rig.emit('demo', 'late');
  expect(rig.database.all('SELECT * FROM webhook_events')).toHaveLength(1);
});

test('what was settled is forgotten in time', async () => {
  const rig = await rigOf({ retry: { giveUpMs: 0 } });
  await rig.put('hook', receiver.url);
  receiver.answer = (event) => (nameOf(event) === 'bad' ? 500 : 200);
  rig.emit('demo', 'good');
  rig.emit('demo', 'bad');
  const states = () => rig.database.all('SELECT state FROM webhook_deliveries ORDER BY position').map((r) => r.state);
  await expect.poll(states).toEqual(['delivered', 'dead']);
  const day = 86_400_000;
  await rig.store.purge(Date.now() + day / 2);
  expect(states()).toEqual(['delivered', 'dead']);
  await rig.store.purge(Date.now() + 1.1 * day);
  expect(states()).toEqual(['dead']);
  await rig.store.purge(Date.now() + 15 * day);
  expect(states()).toEqual([]);
  expect(rig.database.all('SELECT * FROM webhook_events')).toEqual([]);
});
