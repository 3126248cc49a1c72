import { expect, test } from 'vitest';
import { TokenBucket } from '../../../src/signaling/TokenBucket.ts';

test('lets a burst through, then so many a second', () => {
  let now = 0;
  const bucket = new TokenBucket({ perSecond: 10, burst: 3, clock: { now: () => now } });
  const take = (n: number): number => Array.from({ length: n }, () => bucket.take()).filter(Boolean).length;
  expect(take(10)).toBe(3);
  now = 99;
  expect(take(1)).toBe(0);
  now = 100;
  expect(take(2)).toBe(1);
  now = 1_000_000;
  expect(take(10)).toBe(3);
});
