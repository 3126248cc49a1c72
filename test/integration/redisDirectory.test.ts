/** The directory in a real Redis: what every directory does, and what becomes of it when Redis hangs, dies, forgets, or comes back empty. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Secret } from '../../src/common/Secret.ts';
import type { Lease } from '../../src/directory/Lease.ts';
import { RedisDirectory } from '../../src/directory/redis/RedisDirectory.ts';
import { NEVER } from '../../src/directory/redis/scripts.ts';
import { createMetrics } from '../../src/metrics.ts';
import { untilLost, untilView } from '../support/directory/events.ts';
import { fleetRecord } from '../support/directory/fleetRecord.ts';
import { homesSuite } from '../support/directory/homesSuite.ts';
import { RedisServer } from '../support/directory/RedisServer.ts';
import { type RedisNode, type RedisRig, redisRig, TTL_MS, untilDown, untilUp } from '../support/directory/redisRig.ts';
import { directorySuite } from '../support/directory/suite.ts';

const PREFIX = 'test:';
/** Longer than a lease lives: what is not renewed meanwhile has expired by the clock. */
const OUTAGE_MS = TTL_MS + 300;

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis?.close());

/** Everything but what says that this Redis has been here all the time: tests do not wait until it has settled. */
async function forgetEntries(): Promise<void> {
  await redis.ask(async (client) => {
    const keys = (await client.keys(`${PREFIX}*`)).filter((key) => !/(clock|rev)$/.test(key));
    if (keys.length > 0) await client.del(keys);
  });
}

describe('a directory in Redis', () => {
  const makeRig = async () => {
    await forgetEntries();
    return redisRig({ redis, prefix: PREFIX });
  };
  directorySuite(makeRig);
  homesSuite(makeRig);
});

describe('a Redis that is lost', () => {
  let rig: RedisRig;
  let a: RedisNode;
  let b: RedisNode;
  let lease: Lease<'room'>;
  let record: Lease<'record'>;
  const { registry, directory: metrics } = createMetrics();

  beforeEach(async () => {
    await forgetEntries();
    rig = redisRig({ redis, prefix: PREFIX, metrics });
    [a, b] = await Promise.all([rig.node('http://a'), rig.node('http://b')]);
    const claimed = await a.directory.claim('room', 'live', { url: 'http://a' });
    if (!claimed.lease) throw new Error('somebody else has it');
    lease = claimed.lease;
    const kept = fleetRecord({ room: 'live' });
    record = await a.directory.hold('record', kept.id, kept, lease.fence);
  });
  afterEach(() => rig.close());

  const outages: [string, () => Promise<void>, () => Promise<void>][] = [
    ['hangs (SIGSTOP)', async () => redis.hang(), async () => redis.resume()],
    ['is killed and has its data again', () => redis.kill(), () => redis.run()],
    ['is killed and comes back empty', () => redis.kill(), () => redis.run({ empty: true })],
  ];

  test.each(outages)(
    '%s for longer than a lease lives: owners keep what they hold, with the same fence',
    async (_, end, begin) => {
      const view = await b.directory.watch('room');
      await untilView(view, (entries) => entries.length === 1);
      const gone = vi.fn();
      const lost = vi.fn();
      view.on('gone', gone);
      lease.on('lost', lost);
      await end();
      await Promise.all([untilDown(a.directory), untilDown(b.directory)]);
      expect(a.directory.readiness()).toMatchObject({ ready: false, reason: expect.stringContaining('Redis') });
      await expect(b.directory.claim('room', 'live', { url: 'http://b' })).rejects.toMatchObject({
        code: 'directory-unavailable',
      });
      // It is the outage itself: nothing happens in it that could be waited for.
      await delay(OUTAGE_MS);
      expect([lease.state, record.state]).toEqual(['held', 'held']);
      await begin();
      await untilUp(b.directory);
      // Asked before the owner may have said anything: it is not given away.
      const { holder } = await b.directory.claim('room', 'live', { url: 'http://b' });
      expect(holder).toMatchObject({ holder: 'http://a', fence: lease.fence });
      await untilUp(a.directory);
      expect(await b.directory.find('record', record.id)).toMatchObject({ fence: record.fence, data: record.data });
      expect([lease.state, lost.mock.calls, gone.mock.calls]).toEqual(['held', [], []]);
    },
  );

  test('is flushed while everybody is connected: all is announced again with the fences that are held', async () => {
    const node = await a.directory.announce({
      ...{ role: 'compositor', url: 'http://a', capacity: 2, load: 1, version: '1', protocol: 1, draining: false },
    });
    const [rooms, nodes] = [await b.directory.watch('room'), await b.directory.watch('node')];
    await untilView(nodes, (entries) => entries.length === 1);
    const gone = vi.fn();
    rooms.on('gone', gone);
    nodes.on('gone', gone);
    const before = Number(await metricOf('lianmai_directory_reannounced_total{kind="room"}'));
    await redis.flush();
    const { holder } = await b.directory.claim('room', 'live', { url: 'http://b' });
    expect(holder).toMatchObject({ holder: 'http://a', fence: lease.fence });
    expect(await b.directory.find('record', record.id)).toMatchObject({ fence: record.fence, data: record.data });
    expect(await b.directory.find('node', 'http://a')).toMatchObject({ data: node.info });
    expect(gone).not.toHaveBeenCalled();
    expect(Number(await metricOf('lianmai_directory_reannounced_total{kind="room"}'))).toBe(before + 1);
  });

  test('what belongs to nobody any more can be had again once it has settled', async () => {
    await lease.release();
    await redis.flush();
    const { lease: next } = await b.directory.claim('room', 'live', { url: 'http://b' });
    expect(next?.fence).toBeGreaterThan(lease.fence);
  });

  test('an owner that died in the outage is gone when the outage is over, and not before it had its time', async () => {
    const view = await b.directory.watch('room');
    await untilView(view, (entries) => entries.length === 1);
    a.cut();
    await redis.kill();
    await untilDown(b.directory);
    await redis.run();
    await untilUp(b.directory);
    const upAt = performance.now();
    await untilView(view, (entries) => entries.length === 0);
    expect(performance.now() - upAt).toBeGreaterThan(TTL_MS / 2);
    const { lease: next } = await b.directory.claim('room', 'live', { url: 'http://b' });
    const lost = untilLost(lease);
    a.mend();
    expect(await lost).toEqual({ holder: 'http://b', fence: next?.fence });
  });

  test('a fence never goes back: killed, hung, flushed, empty, and with fences that are ahead of the clock', async () => {
    // An hour ahead: time alone would not do it.
    const ahead = await b.directory.hold('leader', 'ahead', { url: 'http://b' }, Date.now() + 3_600_000);
    const fences = [ahead.fence];
    const claim = async () => {
      const { lease: next } = await a.directory.claim('leader', 'work', { url: 'http://a' });
      if (!next) throw new Error('somebody else has it');
      fences.push(next.fence);
      await next.release();
    };
    await claim();
    await redis.flush();
    await claim();
    for (const [, end, begin] of outages) {
      await end();
      await Promise.all([untilDown(a.directory), untilDown(b.directory)]);
      await begin();
      await Promise.all([untilUp(a.directory), untilUp(b.directory)]);
      await claim();
    }
    expect(fences).toEqual([...new Set(fences)].sort((x, y) => x - y));
    expect(fences).toHaveLength(6);
    expect([ahead.state, lease.state]).toEqual(['held', 'held']);
  });

  test('a clock that is wrong by an hour on a node makes no difference', async () => {
    const before = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: before - 3_600_000 });
    try {
      const { lease: slow } = await a.directory.claim('leader', 'slow', { url: 'http://a' });
      vi.setSystemTime(before + 3_600_000);
      const { lease: fast } = await b.directory.claim('leader', 'fast', { url: 'http://b' });
      for (const fence of [slow?.fence, fast?.fence]) expect(Math.abs((fence ?? 0) - before)).toBeLessThan(60_000);
      const { holder } = await b.directory.claim('leader', 'slow', { url: 'http://b' });
      expect(holder?.fence).toBe(slow?.fence);
    } finally {
      vi.useRealTimers();
    }
  });

  test('who was not connected hears afterwards what it has missed', async () => {
    const view = await b.directory.watch('room');
    const [room] = await Promise.all([
      a.directory.claim('room', 'missed', { url: 'http://a' }),
      redis.ask((client) => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')),
    ]);
    expect(room.lease?.state).toBe('held');
    await untilView(view, (entries) => entries.some(({ id }) => id === 'missed'));
  });

  test('a change of which no notice comes is found by the rounds of renewal', async () => {
    const view = await b.directory.watch('room');
    await redis.ask(async (client) => {
      const entry = { holder: 'http://c', fence: '5', data: JSON.stringify({ url: 'http://c' }), at: '0' };
      await client
        .multi()
        .hset(`${PREFIX}entry:room:quiet`, entry)
        .zadd(`${PREFIX}live:room`, NEVER, 'quiet')
        .incr(`${PREFIX}rev`)
        .exec();
    });
    await untilView(view, (entries) => entries.some(({ id }) => id === 'quiet'));
  });

  test('/metrics: up and what is held', async () => {
    expect(await metricOf('lianmai_directory_up')).toBe('1');
    expect(Number(await metricOf('lianmai_directory_held{kind="room"}'))).toBeGreaterThan(0);
    expect(Number(await metricOf('lianmai_directory_failures_total'))).toBeGreaterThan(0);
    expect(Number(await metricOf('lianmai_directory_round_seconds_count'))).toBeGreaterThan(0);
  });

  async function metricOf(name: string): Promise<string | undefined> {
    const lines = (await registry.metrics()).split('\n');
    return lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  }
});

describe('what is kept', () => {
  test('all keys and the channel are under the prefix, and every entry goes away by itself one day', async () => {
    const rig = redisRig({ redis, prefix: 'other:' });
    const { directory } = await rig.node('http://a');
    await directory.hold('room', 'r', { url: 'http://a' }, 5);
    const gone = await directory.hold('room', 'gone', { url: 'http://a' }, 6);
    await gone.release();
    await redis.ask(async (client) => {
      const keys = await client.keys('*');
      expect(keys.filter((key) => !key.startsWith('other:') && !key.startsWith(PREFIX))).toEqual([]);
      for (const key of ['other:entry:room:r', 'other:entry:room:gone'])
        expect(await client.pttl(key)).toBeGreaterThan(86_400_000);
      expect(await client.pubsub('CHANNELS', '*')).toEqual(['other:changes']);
    });
    await rig.close();
  });

  test('two fleets in one Redis do not see each other', async () => {
    const [one, two] = [redisRig({ redis, prefix: 'one:' }), redisRig({ redis, prefix: 'two:' })];
    const [a, b] = await Promise.all([one.node('http://a'), two.node('http://b')]);
    const claims = [a, b].map(({ directory }) => directory.claim('room', 'r', { url: directory.node }));
    expect((await Promise.all(claims)).map(({ lease }) => lease?.state)).toEqual(['held', 'held']);
    await Promise.all([one.close(), two.close()]);
  });

  test('an entry that another version of the program wrote otherwise is passed over', async () => {
    const rig = redisRig({ redis, prefix: 'odd:' });
    const [a, b] = await Promise.all([rig.node('http://a'), rig.node('http://b')]);
    await a.directory.hold('room', 'odd', { home: 'http://a' } as never, 5);
    await a.directory.hold('room', 'good', { url: 'http://a' }, 5);
    const view = await b.directory.watch('room');
    await untilView(view, (entries) => entries.length > 0);
    expect(view.entries.map(({ id }) => id)).toEqual(['good']);
    expect(await b.directory.find('room', 'odd')).toBeNull();
    await rig.close();
  });
});

test('a user with the rights that docs/fleet-directory.md names can do everything', async () => {
  const page = await readFile(new URL('../../docs/fleet-directory.md', import.meta.url), 'utf8');
  const rights = /With ACLs: `([^`]+)`/.exec(page)?.[1]?.split(' ') ?? [];
  await redis.ask((client) => client.call('ACL', 'SETUSER', 'fleet', 'reset', 'on', '>limited', ...rights));
  const url = new Secret(redis.url.reveal().replace('redis://', 'redis://fleet:limited@'));
  const logger = pino({ level: 'silent' });
  const directory = new RedisDirectory({ url, prefix: 'lianmai:', node: 'http://a', ttlMs: TTL_MS, logger });
  await untilUp(directory);
  const view = await directory.watch('leader');
  const { lease } = await directory.claim('leader', 'pods', { url: 'http://a' });
  await untilView(view, (entries) => entries.length === 1);
  expect(await directory.find('leader', 'pods')).toMatchObject({ fence: lease?.fence });
  await lease?.release();
  await untilView(view, (entries) => entries.length === 0);
  await directory.close();
});

describe('the password', () => {
  const password = 'a-password-that-is-not-logged';
  let secured: RedisServer;
  beforeAll(async () => {
    secured = await RedisServer.start({ password });
  });
  afterAll(() => secured?.close());

  test.each([
    ['right', password],
    ['wrong', `${password}-not`],
  ])('a %s one is never logged', async (which, given) => {
    const lines: string[] = [];
    const refused = Promise.withResolvers<void>();
    const logger = pino(
      { level: 'trace' },
      {
        write: (line) => {
          lines.push(line);
          if (/WRONGPASS|NOAUTH/.test(line)) refused.resolve();
        },
      },
    );
    const url = new Secret(secured.url.reveal().replace(password, given));
    const directory = new RedisDirectory({ url, prefix: 'p:', node: 'http://a', logger });
    if (which === 'right') await untilUp(directory);
    else await refused.promise;
    expect(directory.readiness().ready).toBe(which === 'right');
    await secured.kill();
    if (which === 'right') await untilDown(directory);
    await directory.close();
    await secured.run();
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('')).not.toContain(password);
  });
});
