import { expect, test } from 'vitest';
import { StreamKeys } from '../../../../src/delivery/destinations/StreamKeys.ts';

test('a key has one holder', async () => {
  const keys = new StreamKeys();
  const first = await keys.acquire('a');
  expect(first).toBeDefined();
  expect(await keys.acquire('a')).toBeUndefined();
  expect(await keys.acquire('b')).toBeDefined();
  first?.release();
  expect(await keys.acquire('a')).toBeDefined();
});

test('one that is being given back is waited for until its connection is gone', async () => {
  const keys = new StreamKeys();
  const first = await keys.acquire('a');
  first?.leave();
  const order: string[] = [];
  const second = keys.acquire('a').then((key) => {
    order.push(`second ${key !== undefined}`);
    return key;
  });
  const third = keys.acquire('a').then((key) => order.push(`third ${key !== undefined}`));
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual([]);
  first?.release();
  await third;
  expect(order).toEqual(['second true', 'third false']);
  // What was given back already frees nobody else's.
  first?.release();
  expect(await keys.acquire('a')).toBeUndefined();
  (await second)?.release();
});
