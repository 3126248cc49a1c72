import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { requestGuard } from '../../../src/http/requestGuard.ts';

const request = (headers: Record<string, string>, remoteAddress = '127.0.0.1', url = '/v1/rooms') =>
  ({ headers, url, socket: { remoteAddress } }) as unknown as IncomingMessage;

describe('open mode', () => {
  const guard = requestGuard({ open: true, allowedOrigins: [] });

  test.each([
    [{ host: 'localhost:8080' }],
    [{ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' }],
    [{ host: '[::1]:8080', origin: 'http://[::1]:8080' }],
    [{ ':authority': 'localhost:8080', origin: 'https://localhost:8080' }],
  ])('lets in %j', (headers) => {
    expect(() => guard(request(headers))).not.toThrow();
  });

  test.each([
    ['a foreign page', { host: 'localhost:8080', origin: 'https://evil.example' }],
    ['another port of this machine', { host: 'localhost:8080', origin: 'http://localhost:3000' }],
    ['a sandboxed page', { host: 'localhost:8080', origin: 'null' }],
    ['DNS rebinding', { host: 'evil.example:8080' }],
    ['DNS rebinding with a matching origin', { host: 'evil.example:8080', origin: 'http://evil.example:8080' }],
    ['a proxy', { host: 'localhost:8080', 'x-forwarded-for': '1.2.3.4' }],
    ['DNS rebinding over HTTP/2', { ':authority': 'evil.example:8080' }],
    ['no Host', {}],
  ])('refuses %s', (_name, headers) => {
    expect(() => guard(request(headers as Record<string, string>))).toThrow(
      expect.objectContaining({ code: 'foreign-origin' }),
    );
  });

  test('refuses another machine', () => {
    expect(() => guard(request({ host: 'localhost:8080' }, '192.168.1.9'))).toThrow();
  });
});

describe('with a secret', () => {
  test('playback is for players on any page; in open mode it is not', () => {
    const player = request(
      { host: 'live.example', origin: 'https://blog.example' },
      '9.9.9.9',
      '/live/demo/index.m3u8',
    );
    expect(() => requestGuard({ open: false, allowedOrigins: [] })(player)).not.toThrow();
    expect(() => requestGuard({ open: true, allowedOrigins: [] })(player)).toThrow();
  });

  const guard = requestGuard({ open: false, allowedOrigins: ['https://app.example/'] });

  test('its own pages, listed pages and programs without an Origin come in; other pages do not', () => {
    expect(() => guard(request({ host: 'live.example', origin: 'https://live.example' }, '9.9.9.9'))).not.toThrow();
    expect(() => guard(request({ host: 'live.example', origin: 'https://app.example' }, '9.9.9.9'))).not.toThrow();
    expect(() => guard(request({ host: 'live.example' }, '9.9.9.9'))).not.toThrow();
    expect(() => guard(request({ host: 'live.example', origin: 'https://evil.example' }, '9.9.9.9'))).toThrow();
  });
});
