import { describe, expect, test } from 'vitest';
import { newDestination, orderOf } from '../../../src/broadcast/destinations.ts';
import { AppError } from '../../../src/contracts/errors.ts';

const anywhere = async () => 'the-identity';
const make = (url: string, key?: string) =>
  newDestination({ name: 'cdn', url, reconnectSeconds: null, ...(key ? { key } : {}) }, anywhere);

describe('newDestination', () => {
  test.each([
    ['rtmp://cdn.example/app', 'abc', 'rtmp://cdn.example/app/abc', 'rtmp://cdn.example/app'],
    ['rtmp://cdn.example/app//', 'abc', 'rtmp://cdn.example/app/abc', 'rtmp://cdn.example/app'],
    [
      'rtmps://user:pw@cdn.example:443/a/b',
      'k?x=y&z',
      'rtmps://user:pw@cdn.example:443/a/b/k?x=y&z',
      'rtmps://cdn.example:443/a/b',
    ],
    ['rtmp://cdn.example/app/key-in-path', undefined, 'rtmp://cdn.example/app/key-in-path', 'rtmp://cdn.example/app'],
    [
      'srt://cdn.example:9000?latency=200',
      'my key'.replace(' ', '-'),
      'srt://cdn.example:9000?latency=200&streamid=my-key',
      'srt://cdn.example:9000',
    ],
  ])('%s with key %s', async (url, key, whole, target) => {
    const destination = await make(url, key);
    expect(orderOf(destination).url).toBe(whole);
    expect(destination.status.target).toBe(target);
  });

  test('prints without the key', async () => {
    const destination = await make('rtmp://cdn.example/app', 'hush-hush');
    expect(JSON.stringify(destination)).not.toContain('hush');
    expect(String(destination.url)).not.toContain('hush');
  });

  test.each([
    ['not a URL', 'cdn.example/app', undefined],
    ['nonsense after the scheme', 'rtmp://[', undefined],
    ['a key with a space', 'rtmp://cdn.example/app', 'a b'],
    ['a key with a line break', 'rtmp://cdn.example/app', 'a\nb'],
  ])('%s is refused', async (_, url, key) => {
    await expect(make(url, key)).rejects.toMatchObject({ code: 'bad-request' });
  });

  test('the policy sees the whole URL and its word is final', async () => {
    const seen: string[] = [];
    const policy = async (url: string) => {
      seen.push(url);
      throw new AppError('destination-refused');
    };
    const input = { name: 'x', url: 'file:///etc/', key: 'passwd', reconnectSeconds: null };
    await expect(newDestination(input, policy)).rejects.toMatchObject({
      code: 'destination-refused',
    });
    expect(seen).toEqual(['file:///etc/passwd']);
  });
});
