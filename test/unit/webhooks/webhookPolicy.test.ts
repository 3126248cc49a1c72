import { describe, expect, test } from 'vitest';
import { isUnresolvedHost, parseWebhookUrl, webhookAddresses } from '../../../src/webhooks/webhookPolicy.ts';

const resolving =
  (...addresses: string[]) =>
  async () =>
    addresses.map((address) => ({ address, family: 4 }));
const url = new URL('https://hooks.example/');

test.each([
  'ftp://a.example/',
  'javascript:alert(1)',
  'hooks',
  '',
  'https://',
  'https://user:key@a.example/',
  'https://user@a.example/',
])('%s is no webhook', (text) => {
  expect(() => parseWebhookUrl(text)).toThrow(expect.objectContaining({ code: 'webhook-refused' }));
});

describe('addresses', () => {
  test('public ones are what the connection is made to', async () => {
    expect(await webhookAddresses(url, false, resolving('8.8.8.8', '::ffff:8.8.4.4'))).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '8.8.4.4', family: 4 },
    ]);
  });

  test.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', 'fd00::1', '::ffff:10.0.0.1'])(
    '%s needs the setting',
    async (address) => {
      await expect(webhookAddresses(url, false, resolving('8.8.8.8', address))).rejects.toMatchObject({
        code: 'webhook-refused',
        message: expect.stringContaining('LIANMAI_ALLOW_PRIVATE_WEBHOOKS'),
      });
      expect(await webhookAddresses(url, true, resolving(address))).toHaveLength(1);
    },
  );

  test.each(['0.0.0.0', '224.0.0.1', '255.255.255.255', 'nonsense'])('%s is refused even then', async (address) => {
    await expect(webhookAddresses(url, true, resolving(address))).rejects.toMatchObject({ code: 'webhook-refused' });
  });

  test.each(['http://127.1/', 'http://0x7f000001/', 'http://2130706433/', 'http://[::1]/', 'http://localhost/'])(
    '%s is this machine, however it is written',
    async (text) => {
      await expect(webhookAddresses(parseWebhookUrl(text), false)).rejects.toMatchObject({ code: 'webhook-refused' });
    },
  );

  test('a name that can not be resolved now may be later', async () => {
    const failing = async () => {
      throw Object.assign(new Error('getaddrinfo EAI_AGAIN'), { syscall: 'getaddrinfo' });
    };
    const refusal = await webhookAddresses(url, false, failing).catch((error: unknown) => error);
    expect(isUnresolvedHost(refusal)).toBe(true);
    expect(isUnresolvedHost(await webhookAddresses(url, false, resolving()).catch((e: unknown) => e))).toBe(false);
  });
});
