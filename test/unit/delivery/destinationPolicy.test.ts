import { describe, expect, test } from 'vitest';
import { destinationPolicy, isUnresolved } from '../../../src/delivery/destinationPolicy.ts';

const resolving = (...addresses: string[]) => ({
  resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
});
const URL = 'rtmp://host.example/app/key';

const INSIDE = [
  '127.0.0.1',
  '127.9.9.9',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '::1',
  'fc00::1',
  'fe80::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
];
const NOWHERE = [
  '0.0.0.0',
  '::',
  '224.0.0.1',
  'ff02::1',
  '255.255.255.255',
  '240.0.0.1',
  '192.0.2.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
];

describe('destination policy', () => {
  test.each(['8.8.8.8', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('%s is public', async (address) => {
    const allowed = await destinationPolicy({ allowPrivate: false, ...resolving(address) })(URL);
    expect(allowed.addresses).toHaveLength(1);
    expect(allowed.parsed.key).toBe('key');
  });

  test.each([...INSIDE, ...NOWHERE])('%s is refused', async (address) => {
    const policy = destinationPolicy({ allowPrivate: false, ...resolving(address) });
    await expect(policy(URL)).rejects.toMatchObject({ code: 'destination-refused' });
  });

  test.each(INSIDE)('%s is allowed by configuration', async (address) => {
    await destinationPolicy({ allowPrivate: true, ...resolving(address) })(URL);
  });

  test.each(NOWHERE)('%s is refused even then', async (address) => {
    const policy = destinationPolicy({ allowPrivate: true, ...resolving(address) });
    await expect(policy(URL)).rejects.toMatchObject({ code: 'destination-refused' });
  });

  test('one address inside among public ones is enough to refuse', async () => {
    const policy = destinationPolicy({ allowPrivate: false, ...resolving('8.8.8.8', '10.0.0.1') });
    await expect(policy(URL)).rejects.toMatchObject({ code: 'destination-refused' });
  });

  test.each([
    'rtmp://127.0.0.1/app/key',
    'rtmp://[::1]/app/key',
    'rtmp://[::ffff:7f00:1]/app/key',
    'rtmp://2130706433/app/key',
    'rtmp://0x7f.1/app/key',
    'rtmp://localhost/app/key',
    'file:///etc/passwd',
  ])('%s is refused by the real resolver', async (url) => {
    await expect(destinationPolicy({ allowPrivate: false })(url)).rejects.toMatchObject({
      code: 'destination-refused',
    });
  });

  test('a name that cannot be resolved is told apart from one that is refused', async () => {
    const failing = destinationPolicy({
      allowPrivate: false,
      resolve: () => Promise.reject(Object.assign(new Error('x'), { syscall: 'getaddrinfo', code: 'ENOTFOUND' })),
    });
    const error = await failing(URL).catch((e: unknown) => e);
    expect(isUnresolved(error)).toBe(true);
    const refused = await destinationPolicy({ allowPrivate: false, ...resolving('10.0.0.1') })(URL).catch(
      (e: unknown) => e,
    );
    expect(isUnresolved(refused)).toBe(false);
  });
});
