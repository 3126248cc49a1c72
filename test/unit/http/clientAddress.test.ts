import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { clientAddress } from '../../../src/http/clientAddress.ts';

const request = (remoteAddress: string, forwarded?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwarded ? { 'x-forwarded-for': forwarded } : {},
  }) as unknown as IncomingMessage;

test('without trusted proxies nobody is believed', () => {
  expect(clientAddress([])(request('192.0.2.1', '198.51.100.7'))).toBe('192.0.2.1');
});

test('behind trusted proxies: the nearest address that is none of them', () => {
  const addressOf = clientAddress(['10.0.0.0/8']);
  expect(addressOf(request('10.0.0.1', '203.0.113.9, 198.51.100.7, 10.0.0.2'))).toBe('198.51.100.7');
  expect(addressOf(request('192.0.2.1', '198.51.100.7'))).toBe('192.0.2.1');
});
