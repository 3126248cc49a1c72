import { describe, expect, test } from 'vitest';
import { parseDestination } from '../../../../src/delivery/destinations/destinationUrl.ts';
import { streamIdentity } from '../../../../src/delivery/destinations/streamIdentity.ts';

const identity = (url: string): string => streamIdentity(parseDestination(url));

describe('one stream', () => {
  test.each([
    ['rtmp://cdn.example/app/key', 'rtmp://CDN.example:1935/app/key'],
    ['rtmp://cdn.example/app/key', 'rtmps://cdn.example/app/key'],
    ['rtmp://cdn.example/app/key', 'rtmp://cdn.example/app/key?signature=a'],
    ['rtmp://cdn.example/app?token=1/key', 'rtmp://cdn.example/app?token=2/key'],
    ['srt://cdn.example:9000?streamid=abc', 'srt://cdn.example:9000?streamid=abc&latency=300'],
  ])('%s and %s', (one, other) => {
    expect(identity(one)).toBe(identity(other));
  });
});

describe('two streams', () => {
  test.each([
    ['rtmp://cdn.example/app/key', 'rtmp://cdn.example/app/Key'],
    ['rtmp://cdn.example/app/key', 'rtmp://cdn.example/other/key'],
    ['rtmp://cdn.example/app/key', 'rtmp://cdn.example:1936/app/key'],
    ['rtmp://cdn.example/app/key', 'rtmp://cdn2.example/app/key'],
    ['srt://cdn.example:9000?streamid=abc', 'srt://cdn.example:9000?streamid=abd'],
    ['srt://cdn.example:9000?streamid=abc', 'srt://cdn.example:9001?streamid=abc'],
  ])('%s and %s', (one, other) => {
    expect(identity(one)).not.toBe(identity(other));
  });
});

test('the key can not be read from it', () => {
  expect(identity('rtmp://cdn.example/app/secret-key')).toMatch(/^[\w-]{43}$/);
});
