import { describe, expect, test } from 'vitest';
import { FragmentQueue } from '../../../../src/delivery/destinations/FragmentQueue.ts';
import type { FeedFragment } from '../../../../src/delivery/destinations/ProgramFeed.ts';

const fragment = (position: number, size = 10): FeedFragment => ({
  position,
  key: position % 6 === 0,
  slate: false,
  bytes: Buffer.alloc(size),
});

function drain(queue: FragmentQueue): number[] {
  const all: number[] = [];
  for (let next = queue.shift(); next; next = queue.shift()) all.push(next.position);
  return all;
}

describe('FragmentQueue', () => {
  test('first in, first out', () => {
    const queue = new FragmentQueue();
    for (let i = 0; i < 12; i++) expect(queue.push(fragment(i))).toBe(0);
    expect(queue.bytes).toBe(120);
    expect(drain(queue)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(queue.bytes).toBe(0);
  });

  test('when it overflows, whole GOPs go, and never one that was begun', () => {
    const queue = new FragmentQueue();
    let dropped = 0;
    for (let i = 0; i < 3; i++) queue.push(fragment(i));
    queue.shift();
    for (let i = 3; i < 60; i++) dropped += queue.push(fragment(i));
    const left = drain(queue);
    expect(left.slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
    const rest = left.slice(5);
    expect((rest[0] ?? -1) % 6).toBe(0);
    expect(rest).toEqual(Array.from({ length: rest.length }, (_, i) => (rest[0] ?? 0) + i));
    expect(rest.at(-1)).toBe(59);
    expect(dropped).toBe((rest[0] ?? 0) / 6 - 1);
    expect(dropped).toBeGreaterThan(0);
  });

  test('the size is bounded too', () => {
    const queue = new FragmentQueue();
    let dropped = 0;
    for (let i = 0; i < 24; i++) dropped += queue.push(fragment(i, 3 * 1024 * 1024));
    expect(dropped).toBeGreaterThan(0);
    expect(queue.bytes).toBeLessThan(40 * 1024 * 1024);
  });

  test('a connection that was long in the making begins with the newest key frame', () => {
    const queue = new FragmentQueue();
    for (let i = 0; i < 15; i++) queue.push(fragment(i));
    queue.keepNewestGop();
    expect(queue.bytes).toBe(30);
    expect(drain(queue)).toEqual([12, 13, 14]);
    queue.push(fragment(15));
    queue.keepNewestGop();
    expect(drain(queue)).toEqual([15]);
  });

  test('the size of a GOP is that of the newest whole one, or of a longer one that is being filled', () => {
    const queue = new FragmentQueue();
    expect(queue.gopBytes).toBe(0);
    for (let i = 0; i < 7; i++) queue.push(fragment(i, 10));
    expect(queue.gopBytes).toBe(60);
    queue.push(fragment(7, 100));
    expect(queue.gopBytes).toBe(110);
  });
});
