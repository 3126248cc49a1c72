import { describe, expect, test } from 'vitest';
import {
  barePlaylist,
  blockedPlaylist,
  cacheControl,
  errorFreshness,
} from '../../../../src/delivery/http/cachePolicy.ts';

test.each([
  [1 / 3, 0],
  [1, 0],
  [1.5, 1],
  [2, 1],
  [4, 3],
])('a bare playlist with parts of %f s is kept for %i s: less than a part', (part, seconds) => {
  expect(barePlaylist(part, false)).toBe(seconds);
  expect(seconds).toBeLessThan(part);
});

test('a playlist under its full query is kept for 6 target durations, a closed one for a minute', () => {
  expect(cacheControl(blockedPlaylist(2))).toBe('public, max-age=12');
  expect(cacheControl(barePlaylist(1 / 3, true))).toBe('public, max-age=60');
});

describe('Cache-Control', () => {
  test('for each freshness', () => {
    expect(cacheControl('immutable')).toBe('public, max-age=31536000, immutable');
    expect(cacheControl(0)).toBe('public, max-age=0, must-revalidate');
    expect(cacheControl('never')).toBe('no-store');
  });

  test('nothing is kept for longer than the token in the URL lives', () => {
    expect(cacheControl('immutable', 90.9)).toBe('public, max-age=90, immutable');
    expect(cacheControl(12, 90)).toBe('public, max-age=12');
    expect(cacheControl(12, 3)).toBe('public, max-age=3');
    expect(cacheControl(12, 0.5)).toBe('public, max-age=0, must-revalidate');
    expect(cacheControl('never', 90)).toBe('no-store');
  });
});

test('errors are kept briefly, or not at all', () => {
  expect(errorFreshness('no-broadcast')).toBe(1);
  expect(errorFreshness('gone')).toBe(60);
  for (const code of ['not-found', 'bad-request', 'unauthorized', 'no-capacity', 'bad-upstream'] as const)
    expect(errorFreshness(code)).toBe('never');
});
