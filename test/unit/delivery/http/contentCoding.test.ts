import { expect, test } from 'vitest';
import { chooseCoding } from '../../../../src/delivery/http/contentCoding.ts';

test.each([
  [undefined, 'identity'],
  ['', 'identity'],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip, deflate', 'gzip'],
  ['GZIP', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'identity'],
  ['br;q=0.1, gzip;q=0.5', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['gzip;q=0', 'identity'],
  ['gzip;q=0.4, identity;q=0.5', 'identity'],
  ['gzip;q=0.4, *;q=0', 'gzip'],
  ['*', 'br'],
  ['br;q=0, *', 'gzip'],
  ['*;q=0', 'identity'],
  ['identity;q=0', 'identity'],
  ['gzip ; q=1.000', 'gzip'],
  ['gzip;q=x', 'identity'],
  [',,;', 'identity'],
])('Accept-Encoding: %s is answered in %s', (header, coding) => {
  expect(chooseCoding(header)).toBe(coding);
});
