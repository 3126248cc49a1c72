import { expect, test } from 'vitest';
import { freshnessOf } from '../../../../src/delivery/edge/Upstream.ts';

test.each([
  ['public, max-age=31536000, immutable', null, 'immutable'],
  ['public, max-age=12', null, 12],
  ['public, max-age=12', '5', 7],
  ['public, max-age=12', '50', 0],
  ['max-age=12, s-maxage=3', null, 3],
  ['PUBLIC, MAX-AGE=1', null, 1],
  ['public, max-age=0, must-revalidate', null, 0],
  ['no-cache', null, 0],
  ['no-store', null, 'never'],
  ['private, max-age=12', null, 'never'],
  ['max-age=soon', null, 'never'],
  [null, null, 'never'],
])('Cache-Control: %s with Age: %s leaves %s', (cacheControl, age, freshness) => {
  expect(freshnessOf(cacheControl, age)).toBe(freshness);
});
