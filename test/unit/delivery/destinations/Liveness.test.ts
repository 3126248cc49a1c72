import { describe, expect, test } from 'vitest';
import { Liveness } from '../../../../src/delivery/destinations/Liveness.ts';

const GOP = 600_000;
const QUIET = { acknowledged: 0, waiting: 0, blocked: false, gopBytes: GOP };

describe('alive or dead', () => {
  test('dead when something waits and nothing is acknowledged for more than 5 s', () => {
    const liveness = new Liveness(1000);
    const stalled = { ...QUIET, acknowledged: 50_000, waiting: 100_000 };
    expect(liveness.see({ ...stalled, now: 1500 })).toBe(false);
    expect(liveness.see({ ...stalled, now: 6500 })).toBe(false);
    expect(liveness.see({ ...stalled, now: 6501 })).toBe(true);
    expect(liveness.silenceMs(6501)).toBe(5001);
  });

  test('one byte that is acknowledged is life, more that is given to the kernel is not', () => {
    const liveness = new Liveness(0);
    for (let second = 1; second <= 20; second++)
      expect(liveness.see({ ...QUIET, now: second * 1000, acknowledged: second, waiting: second * 300_000 })).toBe(
        false,
      );
    for (let second = 21; second <= 25; second++)
      expect(liveness.see({ ...QUIET, now: second * 1000, acknowledged: 20, waiting: second * 300_000 })).toBe(false);
    expect(liveness.see({ ...QUIET, now: 25_001, acknowledged: 20, waiting: 9e6 })).toBe(true);
  });

  test('where nothing waits, silence is nothing', () => {
    const liveness = new Liveness(0);
    expect(liveness.see({ ...QUIET, now: 60_000, waiting: 1000 })).toBe(false);
    expect(liveness.see({ ...QUIET, now: 60_500, blocked: true })).toBe(false);
    expect(liveness.see({ ...QUIET, now: 65_001, blocked: true })).toBe(true);
  });
});

describe('fast enough or slow', () => {
  test('slow when it is behind by more than a GOP for a second, until it has caught up', () => {
    const liveness = new Liveness(0);
    const see = (now: number, gops: number) => {
      liveness.see({ ...QUIET, now, acknowledged: now + 1, waiting: gops * GOP });
      return liveness.slow;
    };
    expect(see(500, 1)).toBe(false);
    expect(see(1000, 1.5)).toBe(false);
    expect(see(1500, 1.2)).toBe(false);
    expect(see(2000, 1.5)).toBe(false);
    expect(see(2500, 1.8)).toBe(false);
    expect(see(3000, 2.1)).toBe(true);
    expect(see(3500, 0.8)).toBe(true);
    expect(see(4000, 0.4)).toBe(false);
  });

  test('nothing is slow before the size of a GOP is known', () => {
    const liveness = new Liveness(0);
    for (const now of [500, 1000, 1500, 3000]) liveness.see({ ...QUIET, now, waiting: 1e6, gopBytes: 0 });
    expect(liveness.slow).toBe(false);
  });
});
