import { describe, expect, test } from 'vitest';
import { RETRY_LIMITS, retryAfterOf, waitMs } from '../../../src/webhooks/backoff.ts';

describe('waitMs', () => {
  test('doubles from a second up to an hour', () => {
    const waits = [1, 2, 3, 4, 12, 13, 14, 1000].map((n) => waitMs(n, RETRY_LIMITS, null, 1));
    expect(waits).toEqual([1000, 2000, 4000, 8000, 2_048_000, 3_600_000, 3_600_000, 3_600_000]);
  });

  test('has jitter between a half and the whole', () => {
    expect([0, 0.5, 1].map((random) => waitMs(3, RETRY_LIMITS, null, random))).toEqual([2000, 3000, 4000]);
  });

  test('waits for the time that the receiver names, within the limit', () => {
    expect(waitMs(1, RETRY_LIMITS, 30_000, 0)).toBe(30_000);
    expect(waitMs(8, RETRY_LIMITS, 1_000, 1)).toBe(128_000);
    expect(waitMs(1, RETRY_LIMITS, 1e12, 0)).toBe(RETRY_LIMITS.maxMs);
  });

  test('a day has between 30 and 60 attempts', () => {
    for (const random of [0, 1]) {
      let attempts = 1;
      for (let at = 0; at < RETRY_LIMITS.giveUpMs; at += waitMs(attempts, RETRY_LIMITS, null, random)) attempts++;
      expect(attempts).toBeGreaterThan(30);
      expect(attempts).toBeLessThan(70);
    }
  });
});

test.each([
  ['120', 120_000],
  ['0', 0],
  ['Thu, 01 Jan 1970 00:01:00 GMT', 50_000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['soon', null],
  ['-5', null],
  [undefined, null],
])('Retry-After %s is %s ms', (header, ms) => {
  expect(retryAfterOf(header, 10_000)).toBe(ms);
});
