import { describe, expect, test } from 'vitest';
import { ConfigError, environmentOf, flagOf, isLoopback, parseConfig } from '../../src/config.ts';

const SECRET = 'x'.repeat(32);

describe('parseConfig', () => {
  test('without anything: role all on loopback in open mode', () => {
    const config = parseConfig([], {});
    expect(config).toMatchObject({ role: 'all', host: '127.0.0.1', port: 8080, internalPort: 8081, secrets: [] });
    expect(config.mediaPorts).toEqual([42000, 42999]);
  });

  test('a flag wins over the environment', () => {
    expect(parseConfig(['--port', '9000'], { LIANMAI_PORT: '7000' }).port).toBe(9000);
    expect(parseConfig([], { LIANMAI_PORT: '7000' }).port).toBe(7000);
  });

  test.each([['0.0.0.0'], ['192.168.1.5'], ['::'], ['example.com']])(
    'refuses to listen on %s without a secret, and says why',
    (host) => {
      expect(() => parseConfig([], { LIANMAI_HOST: host })).toThrow(/LIANMAI_SECRET/);
      expect(() => parseConfig([], { LIANMAI_INTERNAL_HOST: host })).toThrow(/LIANMAI_SECRET/);
      expect(parseConfig([], { LIANMAI_HOST: host, LIANMAI_SECRET: SECRET }).host).toBe(host);
    },
  );

  test('a short secret, three secrets, and half of TLS are refused', () => {
    expect(() => parseConfig([], { LIANMAI_SECRET: 'short' })).toThrow(ConfigError);
    expect(() => parseConfig([], { LIANMAI_SECRET: [SECRET, SECRET, SECRET].join() })).toThrow(ConfigError);
    expect(() => parseConfig([], { LIANMAI_TLS_CERT: 'a.pem' })).toThrow(/go together/);
  });

  test('webhooks need something to sign with, and URLs that are ones', () => {
    const url = { LIANMAI_WEBHOOK_URLS: 'https://a.example/hooks, http://10.0.0.7:3000' };
    expect(() => parseConfig([], url)).toThrow(/LIANMAI_WEBHOOK_SECRET/);
    expect(parseConfig([], { ...url, LIANMAI_SECRET: SECRET }).webhookSecrets).toEqual([]);
    const config = parseConfig([], { ...url, LIANMAI_WEBHOOK_SECRET: `${SECRET},${SECRET}2` });
    expect(config.webhookUrls).toHaveLength(2);
    expect(config.webhookSecrets).toHaveLength(2);
    expect(JSON.stringify(config)).not.toContain(SECRET);
    expect(() => parseConfig([], { ...url, LIANMAI_WEBHOOK_SECRET: 'short' })).toThrow(/LIANMAI_WEBHOOK_SECRET/);
    for (const wrong of ['a.example', 'ftp://a.example/', 'https://user:key@a.example/'])
      expect(() => parseConfig([], { LIANMAI_WEBHOOK_URLS: wrong, LIANMAI_SECRET: SECRET })).toThrow(/WEBHOOK_URLS/);
  });

  test('a misspelt setting or flag is an error, not a silence', () => {
    expect(() => parseConfig([], { LIANMAI_PROT: '1' })).toThrow(/no such setting/);
    expect(() => parseConfig(['--prot', '1'], {})).toThrow(ConfigError);
  });

  test('each mistake is named with its setting', () => {
    expect(() => parseConfig([], { LIANMAI_PORT: '99999', LIANMAI_ICE_SERVERS: 'x' })).toThrow(
      /LIANMAI_PORT.*\n.*LIANMAI_ICE_SERVERS/,
    );
  });

  test('a secret does not print', () => {
    const config = parseConfig([], { LIANMAI_SECRET: SECRET });
    expect(JSON.stringify(config)).not.toContain(SECRET);
    expect(String(config.secrets[0])).toBe('[secret]');
  });

  test('roles of their own need a secret and where the others are', () => {
    expect(() => parseConfig(['--role', 'compositor'], {})).toThrow(/LIANMAI_SECRET/);
    expect(() => parseConfig(['--role', 'sfu'], { LIANMAI_SECRET: SECRET })).toThrow(/LIANMAI_COMPOSITOR_URLS/);
  });
});

test('LIANMAI_REDIS_URL finds compositors in place of LIANMAI_COMPOSITOR_URLS; it may hold a password and does not print', () => {
  const url = 'redis://user:hidden-password@10.0.0.9:6379/1';
  const sfu = { LIANMAI_SECRET: SECRET, LIANMAI_ROLE: 'sfu', LIANMAI_DELIVERY_URL: 'http://d:8081' };
  expect(() => parseConfig([], sfu)).toThrow(/LIANMAI_REDIS_URL/);
  const config = parseConfig([], { ...sfu, LIANMAI_REDIS_URL: url });
  expect(config).toMatchObject({ compositorUrls: [], redisPrefix: 'lianmai:', internalUrl: '' });
  expect(config.redisUrl?.reveal()).toBe(url);
  expect(JSON.stringify(config)).not.toContain('hidden-password');
  expect(parseConfig([], {}).redisUrl).toBeNull();
  expect(parseConfig([], { ...sfu, LIANMAI_DELIVERY_URL: '', LIANMAI_REDIS_URL: url }).deliveryUrl).toBe('');
  const edge = { LIANMAI_SECRET: SECRET, LIANMAI_ROLE: 'delivery', LIANMAI_DELIVERY_ORIGIN: 'redis' };
  expect(() => parseConfig([], edge)).toThrow(/LIANMAI_DELIVERY_ORIGIN.*LIANMAI_REDIS_URL/);
  expect(parseConfig([], { ...edge, LIANMAI_REDIS_URL: url }).deliveryOrigin).toBe('redis');
  expect(() => parseConfig([], { LIANMAI_REDIS_URL: url })).toThrow(/role all/);
  const wrong = 'http://user:hidden-password@10.0.0.9';
  const mistake = () => parseConfig([], { ...sfu, LIANMAI_REDIS_URL: wrong });
  expect(mistake).toThrow(/LIANMAI_REDIS_URL/);
  expect(mistake).not.toThrow(/hidden-password/);
  for (const [name, value] of [
    ['LIANMAI_REDIS_PREFIX', ''],
    ['LIANMAI_REDIS_PREFIX', 'a b'],
    ['LIANMAI_INTERNAL_URL', '10.0.0.9:8081'],
  ] as const)
    expect(() => parseConfig([], { ...sfu, LIANMAI_REDIS_URL: url, [name]: value })).toThrow(name);
});

test('names: one setting, two spellings', () => {
  expect(environmentOf('allowPrivateDestinations')).toBe('LIANMAI_ALLOW_PRIVATE_DESTINATIONS');
  expect(flagOf('allowPrivateDestinations')).toBe('--allow-private-destinations');
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['[::1]', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['localhost.example.com', false],
  ['10.0.0.1', false],
  ['0.0.0.0', false],
  ['', false],
])('isLoopback(%s) is %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

test('LIANMAI_STORAGE is a folder of the data directory, or a bucket with its keys', () => {
  expect(parseConfig([], {})).toMatchObject({ storage: { kind: 'file' }, s3SecretAccessKey: null });
  const config = parseConfig(['--storage', 's3://shows/a/b/'], {
    LIANMAI_S3_ENDPOINT: 'http://127.0.0.1:9000',
    LIANMAI_S3_REGION: 'eu-central-1',
    LIANMAI_S3_ACCESS_KEY_ID: 'AKIA',
    LIANMAI_S3_SECRET_ACCESS_KEY: 'hidden-key',
  });
  expect(config).toMatchObject({ storage: { kind: 's3', bucket: 'shows', prefix: 'a/b' }, s3AccessKeyId: 'AKIA' });
  expect(config.s3SecretAccessKey?.reveal()).toBe('hidden-key');
  expect(JSON.stringify(config)).not.toContain('hidden-key');
  for (const storage of ['s3://', 's3://A', 'http://x', 's3://bucket/../x', ''])
    expect(() => parseConfig(['--storage', storage], {})).toThrow(/LIANMAI_STORAGE/);
  expect(() => parseConfig([], { LIANMAI_S3_ACCESS_KEY_ID: 'AKIA' })).toThrow(/go together/);
  expect(() => parseConfig([], { LIANMAI_S3_ENDPOINT: 'ftp://x' })).toThrow(/LIANMAI_S3_ENDPOINT/);
});

test('LIANMAI_PRICES is a price table, and a mistake in it is told by its name', () => {
  expect(parseConfig([], {}).prices).toBeNull();
  const { prices } = parseConfig([], { LIANMAI_PRICES: '{"currency": "EUR", "activeHour": "0.36"}' });
  expect(prices).toMatchObject({ currency: 'EUR', decimals: 2, activeHour: 360_000_000_000n });
  expect(() => parseConfig(['--prices', '{"currency": "EUR", "hour": 1}'], {})).toThrow(/LIANMAI_PRICES.*price table/);
  expect(() => parseConfig(['--prices', '/nowhere/prices.json'], {})).toThrow(/LIANMAI_PRICES.*can not be read/);
});
