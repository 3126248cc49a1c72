import { describe, expect, test } from 'vitest';
import { Backoff } from '../../../client/shared/backoff.ts';
import { roomOfPath } from '../../../client/shared/contract.ts';
import { formatBitrate, formatDuration, hueOf, initials } from '../../../client/shared/format.ts';
import { claimsOf, playTokenOfPath, tokenOfFragment } from '../../../client/shared/tokens.ts';

describe('format', () => {
  test('durations', () => {
    expect(formatDuration(-5)).toBe('0:00');
    expect(formatDuration(61_999)).toBe('1:01');
    expect(formatDuration(3_723_000)).toBe('1:02:03');
    expect(formatDuration(100 * 3_600_000)).toBe('100:00:00');
  });

  test('bitrates', () => {
    expect(formatBitrate(2_540_000)).toBe('2.5 Mbit/s');
    expect(formatBitrate(380_400)).toBe('380 kbit/s');
    expect(formatBitrate(0)).toBe('0 kbit/s');
  });

  test('initials of whole characters', () => {
    expect(initials('Ada Lovelace')).toBe('AL');
    expect(initials('  cher ')).toBe('C');
    expect(initials('小明')).toBe('小');
    expect(initials('🦊 fox')).toBe('🦊F');
    expect(initials('')).toBe('?');
  });

  test('a name has a hue of its own', () => {
    expect(hueOf('Ada')).toBe(hueOf('Ada'));
    expect(hueOf('Ada')).not.toBe(hueOf('Adb'));
    expect(hueOf('x'.repeat(500))).toBeLessThan(360);
  });
});

describe('Backoff', () => {
  test('doubles up to the most, and begins anew after a success', () => {
    const backoff = new Backoff(100, 500, () => 0);
    expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([100, 200, 400, 500, 500]);
    backoff.success();
    expect(backoff.next()).toBe(100);
  });

  test('takes off a fifth at most', () => {
    expect(new Backoff(100, 500, () => 1).next()).toBe(80);
  });

  test('does not overflow after days', () => {
    const backoff = new Backoff(100, 500, () => 0);
    for (let i = 0; i < 2000; i++) backoff.next();
    expect(backoff.next()).toBe(500);
  });
});

describe('tokens', () => {
  const jwt = (claims: unknown) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

  test('of the path of a watch page', () => {
    expect(playTokenOfPath('/watch/~a.b-_c.d/show')).toBe('a.b-_c.d');
    for (const path of ['/watch/show', '/watch/~a.b.c', '/studio/~a.b.c/show', '/'])
      expect(playTokenOfPath(path)).toBeUndefined();
    expect(roomOfPath('/watch/~a.b-_c.d/show')).toBe('show');
    expect(roomOfPath('/studio/~a.b.c/show')).toBeUndefined();
  });

  test('of the fragment', () => {
    expect(tokenOfFragment('#token=a.b.c')).toBe('a.b.c');
    expect(tokenOfFragment('#x=1&token=a.b-_c')).toBe('a.b-_c');
    expect(tokenOfFragment('#token=')).toBeUndefined();
    expect(tokenOfFragment('')).toBeUndefined();
  });

  test('what it says of its owner', () => {
    expect(claimsOf(jwt({ role: 'host', name: '小明 ✓' }))).toEqual({ role: 'host', name: '小明 ✓' });
    expect(claimsOf(jwt({ role: 'king', name: 5 }))).toEqual({});
    for (const token of ['', 'abc', 'a.b.c', jwt(null), `h.${btoa('{')}.s`]) expect(claimsOf(token)).toEqual({});
  });
});
