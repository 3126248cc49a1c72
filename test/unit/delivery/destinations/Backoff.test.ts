import { expect, test } from 'vitest';
import { Backoff, RECONNECT } from '../../../../src/delivery/destinations/Backoff.ts';

const waits = (backoff: Backoff, count: number) => Array.from({ length: count }, () => backoff.next());

test('the first wait is short, then they double up to the cap', () => {
  const longest = new Backoff({ ...RECONNECT, random: () => 1 });
  expect(waits(longest, 8)).toEqual([250, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
});

test('jitter takes at most half of a step away', () => {
  const shortest = new Backoff({ ...RECONNECT, random: () => 0 });
  expect(waits(shortest, 6)).toEqual([125, 500, 1000, 2000, 4000, 7500]);
  const seen = new Set(waits(new Backoff(), 40).slice(6));
  expect(seen.size).toBeGreaterThan(30);
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(7500);
  expect(Math.max(...seen)).toBeLessThanOrEqual(15_000);
});

test('begins anew when told; a thousand failures do not overflow', () => {
  const backoff = new Backoff({ ...RECONNECT, random: () => 1 });
  expect(waits(backoff, 1100).at(-1)).toBe(15_000);
  backoff.reset();
  expect(backoff.next()).toBe(250);
});
