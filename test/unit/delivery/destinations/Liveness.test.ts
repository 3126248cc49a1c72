import { describe, expect, test } from 'vitest';
import { Liveness } from '../../../../src/delivery/destinations/Liveness.ts';

const LIMIT = 300_000;
const QUIET = { acknowledged: 0, unacknowledged: 0, limit: LIMIT, waiting: false };

describe('alive or dead', () => {
  test('dead when something waits and nothing is acknowledged for more than 5 s', () => {
    const liveness = new Liveness(1000);
    const stalled = { ...QUIET, acknowledged: 50_000, unacknowledged: 100_000 };
    expect(liveness.see({ ...stalled, now: 1500 })).toBe(false);
    expect(liveness.see({ ...stalled, now: 6500 })).toBe(false);
    expect(liveness.see({ ...stalled, now: 6501 })).toBe(true);
    expect(liveness.silenceMs(6501)).toBe(5001);
  });

  test('one byte that is acknowledged is life, more that is given to the kernel is not', () => {
    const liveness = new Liveness(0);
    const see = (second: number, acknowledged: number) =>
      liveness.see({ ...QUIET, now: second * 1000, acknowledged, unacknowledged: second * 100_000 });
    for (let second = 1; second <= 20; second++) expect(see(second, second)).toBe(false);
    for (let second = 21; second <= 25; second++) expect(see(second, 20)).toBe(false);
    expect(see(25.001, 20)).toBe(true);
  });

  test('where nothing waits, silence is nothing', () => {
    const liveness = new Liveness(0);
    expect(liveness.see({ ...QUIET, now: 60_000, unacknowledged: 1000 })).toBe(false);
    expect(liveness.see({ ...QUIET, now: 60_500, waiting: true })).toBe(false);
    expect(liveness.see({ ...QUIET, now: 65_001, waiting: true })).toBe(true);
  });
});

test('slow when the most that may be unacknowledged is for 3 s, until it has caught up', () => {
  const liveness = new Liveness(0);
  const see = (now: number, share: number) => {
    liveness.see({ ...QUIET, now, acknowledged: now + 1, unacknowledged: share * LIMIT });
    return liveness.slow;
  };
  expect(see(500, 1)).toBe(false);
  expect(see(3000, 1)).toBe(false);
  expect(see(3100, 0.1)).toBe(false);
  expect(see(3500, 1)).toBe(false);
  expect(see(6000, 0.9)).toBe(false);
  expect(see(6500, 0.8)).toBe(true);
  expect(see(7000, 1)).toBe(true);
  expect(see(7500, 0.2)).toBe(false);
});
