import { expect, test } from 'vitest';
import { RestartPolicy } from '../../../src/broadcast/RestartPolicy.ts';

test('the first replacement comes at once, then the wait doubles up to 5 s', () => {
  const policy = new RestartPolicy();
  const waits = Array.from({ length: 8 }, () => policy.nextWaitMs(0));
  expect(waits).toEqual([0, 250, 500, 1000, 2000, 4000, 5000, 5000]);
});

test('one that worked for 10 s was a good one', () => {
  const policy = new RestartPolicy();
  for (let i = 0; i < 5; i++) policy.nextWaitMs(500);
  expect(policy.nextWaitMs(10_000)).toBe(0);
  expect(policy.nextWaitMs(9_999)).toBe(250);
});
