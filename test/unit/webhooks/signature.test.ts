import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/common/Secret.ts';
import { derivedWebhookSecret, newWebhookSecret, sign, verify } from '../../../src/webhooks/signature.ts';

const NOW = 1_800_000_000_000;
const body = '{"id":"e1"}';
const secret = new Secret('whsec_one');
const other = new Secret('whsec_two');

test('is HMAC-SHA256 over time and body, one for each live secret', () => {
  const hex = (key: string) => createHmac('sha256', key).update(`1800000000.${body}`).digest('hex');
  expect(sign(body, [secret, other], NOW)).toBe(`t=1800000000,v1=${hex('whsec_one')},v1=${hex('whsec_two')}`);
});

describe('verify', () => {
  const header = sign(body, [secret, other], NOW);

  test('accepts each live secret, within five minutes', () => {
    expect(verify(header, body, secret, NOW)).toBe(true);
    expect(verify(header, body, other, NOW + 299_000)).toBe(true);
    expect(verify(header, body, other, NOW - 299_000)).toBe(true);
  });

  test.each([
    ['another body', header, `${body} `, secret, NOW],
    ['another secret', header, body, new Secret('whsec_three'), NOW],
    ['an old request sent again', header, body, secret, NOW + 302_000],
    ['a time that was changed', header.replace('t=1800000000', 't=1800000001'), body, secret, NOW],
    ['no time', header.replace(/t=\d+,/, ''), body, secret, NOW],
    ['no signature', 't=1800000000', body, secret, NOW],
    ['half a signature', header.slice(0, 40), body, secret, NOW],
    ['nothing', '', body, secret, NOW],
  ])('refuses %s', (_, given, text, key, now) => {
    expect(verify(given, text, key, now)).toBe(false);
  });
});

test('secrets: new ones differ, a derived one follows from LIANMAI_SECRET and is not it', () => {
  expect(newWebhookSecret().reveal()).toMatch(/^whsec_[\w-]{43}$/);
  expect(newWebhookSecret().reveal()).not.toBe(newWebhookSecret().reveal());
  const derived = derivedWebhookSecret(new Secret('x'.repeat(32))).reveal();
  expect(derived).toMatch(/^whsec_[\w-]{43}$/);
  expect(derivedWebhookSecret(new Secret('x'.repeat(32))).reveal()).toBe(derived);
  expect(derivedWebhookSecret(new Secret('y'.repeat(32))).reveal()).not.toBe(derived);
});
