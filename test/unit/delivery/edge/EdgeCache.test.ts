import { describe, expect, test } from 'vitest';
import { AppError } from '../../../../src/contracts/errors.ts';
import { EdgeCache } from '../../../../src/delivery/edge/EdgeCache.ts';
import { type UpstreamAnswer, UpstreamError } from '../../../../src/delivery/edge/Upstream.ts';
import type { Freshness } from '../../../../src/delivery/http/cachePolicy.ts';
import { createMetrics } from '../../../../src/metrics.ts';

const NEVER = new AbortController().signal;

function cacheOf({ maxBytes = 1_000_000, maxFlights = 10 } = {}) {
  const { delivery } = createMetrics();
  return new EdgeCache({ maxBytes, maxFlights, metrics: delivery.edge });
}

/** An owner that answers when it is told to. */
class Owner {
  asked = 0;
  aborted = 0;
  #land: ((outcome: UpstreamAnswer | Error) => void)[] = [];

  readonly ask = (signal: AbortSignal): Promise<UpstreamAnswer> => {
    this.asked += 1;
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        this.aborted += 1;
        reject(signal.reason);
      });
      this.#land.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
    });
  };

  answer(freshness: Freshness, bytes = Buffer.from('text')): void {
    for (const land of this.#land.splice(0)) land({ bytes, type: 'text/plain', etag: '', freshness, playback: 'open' });
  }

  fail(error: Error): void {
    for (const land of this.#land.splice(0)) land(error);
  }
}

describe('coalescing', () => {
  test('one request for all who wait, also for what may not be kept', async () => {
    const cache = cacheOf();
    const owner = new Owner();
    for (const freshness of [12, 'never'] as const) {
      const asked = owner.asked;
      const waiting = Array.from({ length: 50 }, () => cache.get(`a${freshness}`, NEVER, owner.ask));
      expect(owner.asked).toBe(asked + 1);
      owner.answer(freshness);
      for (const { bytes } of await Promise.all(waiting)) expect(bytes.toString()).toBe('text');
    }
    expect(cache.flights).toBe(0);
  });

  test('who hangs up does not disturb the others; when the last has gone the owner is told', async () => {
    const cache = cacheOf();
    const owner = new Owner();
    const viewers = [new AbortController(), new AbortController()];
    const [first, second] = viewers.map(({ signal }) => cache.get('a', signal, owner.ask));
    viewers[0]?.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    expect([owner.aborted, cache.flights]).toEqual([0, 1]);
    const third = cache.get('a', NEVER, owner.ask);
    owner.answer(0);
    expect((await second)?.bytes.toString()).toBe('text');
    await third;
    expect([owner.asked, owner.aborted]).toEqual([1, 0]);

    const last = new AbortController();
    const fourth = cache.get('a', last.signal, owner.ask);
    last.abort(new Error('gone'));
    await expect(fourth).rejects.toThrow('gone');
    expect([owner.asked, owner.aborted, cache.flights]).toEqual([2, 1, 0]);
    // And who comes after that asks anew.
    const fifth = cache.get('a', NEVER, owner.ask);
    owner.answer(0);
    await fifth;
    expect(owner.asked).toBe(3);
  });

  test('no more on its way than may be', async () => {
    const cache = cacheOf({ maxFlights: 1 });
    const owner = new Owner();
    const first = cache.get('a', NEVER, owner.ask);
    await expect(cache.get('b', NEVER, owner.ask)).rejects.toEqual(expect.objectContaining({ code: 'no-capacity' }));
    owner.answer(0);
    await first;
    const second = cache.get('b', NEVER, owner.ask);
    owner.answer(0);
    await second;
  });
});

describe('keeping', () => {
  const twice = async (outcome: Freshness | Error): Promise<number> => {
    const cache = cacheOf();
    const owner = new Owner();
    for (let i = 0; i < 2; i++) {
      const got = cache.get('a', NEVER, owner.ask).catch(() => undefined);
      if (outcome instanceof Error) owner.fail(outcome);
      else owner.answer(outcome);
      await got;
    }
    return owner.asked;
  };

  test.each<[string, Freshness | Error, number]>([
    ['what is fresh', 12, 1],
    ['what is for ever', 'immutable', 1],
    ['not what has to be revalidated', 0, 2],
    ['not what may not be stored', 'never', 2],
    ['an error of the owner, as briefly as it says', new UpstreamError('no-broadcast', 'not live', 1), 1],
    ['not an error that may be over in a moment', new UpstreamError('no-capacity', 'held up', 'never'), 2],
    ['not that the owner was away', new AppError('bad-upstream'), 2],
  ])('%s', async (_what, outcome, asked) => {
    expect(await twice(outcome)).toBe(asked);
  });

  test('what is given on says how much of its time is left', async () => {
    const cache = cacheOf();
    const owner = new Owner();
    const first = cache.get('a', NEVER, owner.ask);
    owner.answer(12);
    expect((await first).freshness).toBe(12);
    expect((await cache.get('a', NEVER, owner.ask)).freshness).toBeLessThan(12);
  });

  test('within its bytes: the longest unused goes first', async () => {
    const cache = cacheOf({ maxBytes: 100_000 });
    const owner = new Owner();
    const fetched = async (key: string): Promise<void> => {
      const got = cache.get(key, NEVER, owner.ask);
      owner.answer('immutable', Buffer.alloc(30_000));
      await got;
    };
    for (const key of ['a', 'b', 'c', 'a', 'd']) await fetched(key);
    expect(cache.bytes).toBeLessThanOrEqual(100_000);
    expect(owner.asked).toBe(4);
    await fetched('a');
    expect(owner.asked).toBe(4);
    await fetched('b');
    expect(owner.asked).toBe(5);
    await fetched('huge');
    const huge = cache.get('too large', NEVER, owner.ask);
    owner.answer('immutable', Buffer.alloc(200_000));
    expect((await huge).bytes.length).toBe(200_000);
    expect(cache.bytes).toBeLessThanOrEqual(100_000);
  });
});

test('clear aborts what is on its way', async () => {
  const cache = cacheOf();
  const owner = new Owner();
  const waiting = cache.get('a', NEVER, owner.ask);
  cache.clear();
  await expect(waiting).rejects.toThrow();
  expect([owner.aborted, cache.flights, cache.bytes]).toEqual([1, 0, 0]);
});
