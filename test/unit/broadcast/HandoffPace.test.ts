import { describe, expect, test } from 'vitest';
import { HandoffPace } from '../../../src/broadcast/HandoffPace.ts';

const never = new AbortController().signal;

describe('turns', () => {
  test('so many at once, the others in the order of asking', async () => {
    const pace = new HandoffPace(2);
    const order: string[] = [];
    const ask = async (name: string) => {
      const done = await pace.turn(never);
      order.push(name);
      return done;
    };
    const [first, second] = await Promise.all([ask('a'), ask('b')]);
    const [third, fourth] = [ask('c'), ask('d')];
    await Promise.resolve();
    expect(order).toEqual(['a', 'b']);
    second();
    // Given twice is given once.
    second();
    (await third)();
    first();
    (await fourth)();
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  test('who ends while waiting gives up the place in the row', async () => {
    const pace = new HandoffPace(1);
    const done = await pace.turn(never);
    const abort = new AbortController();
    const given = pace.turn(abort.signal);
    const next = pace.turn(never);
    abort.abort(new Error('ended'));
    await expect(given).rejects.toThrow('ended');
    await expect(pace.turn(abort.signal)).rejects.toThrow('ended');
    done();
    (await next)();
    (await pace.turn(never))();
  });
});

describe('how long it takes to be warm', () => {
  test('follows what is seen, within bounds', () => {
    const pace = new HandoffPace(1);
    for (let i = 0; i < 20; i++) pace.learn(3_000);
    expect(pace.warmMs).toBeGreaterThan(2_900);
    expect(pace.warmMs).toBeLessThanOrEqual(3_000);
    for (let i = 0; i < 40; i++) pace.learn(100);
    expect(pace.warmMs).toBeGreaterThanOrEqual(1_500);
    expect(pace.warmMs).toBeLessThan(1_510);
    for (let i = 0; i < 40; i++) pace.learn(60_000);
    expect(pace.warmMs).toBeLessThanOrEqual(8_000);
  });
});
