import { describe, expect, test } from 'vitest';
import { TakeLedger } from '../../../src/delivery/TakeLedger.ts';

const [a, b, c] = ['caaaaaaaa', 'cbbbbbbbb', 'ccccccccc'] as const;
const owner = (takes: TakeLedger, segment: number): string | undefined => takes.ownerOf(segment)?.compositor;

describe('TakeLedger', () => {
  test('a segment belongs to the newest take that begins at it or before', () => {
    const takes = new TakeLedger();
    expect(takes.ownerOf(3)).toBeUndefined();
    expect(takes.add({ from: 3, compositor: a, fence: 1 })).toBe(true);
    expect(takes.add({ from: 10, compositor: b, fence: 2 })).toBe(true);
    expect([2, 3, 9, 10, 99].map((k) => owner(takes, k))).toEqual([undefined, a, a, b, b]);
  });

  test('a take replaces older ones that begin at its own segment or later', () => {
    const takes = new TakeLedger();
    takes.add({ from: 3, compositor: a, fence: 1 });
    takes.add({ from: 10, compositor: b, fence: 2 });
    takes.add({ from: 8, compositor: c, fence: 3 });
    expect([7, 8, 10, 11].map((k) => owner(takes, k))).toEqual([a, c, c, c]);
  });

  test('who holds a lower fence is refused', () => {
    const takes = new TakeLedger();
    takes.add({ from: 3, compositor: a, fence: 5 });
    expect(takes.add({ from: 4, compositor: b, fence: 4 })).toBe(false);
    expect(owner(takes, 4)).toBe(a);
  });

  test('who is followed by another owns something until its segments are forgotten, by its own fence', () => {
    const takes = new TakeLedger();
    takes.add({ from: 3, compositor: a, fence: 2 });
    takes.add({ from: 10, compositor: b, fence: 4 });
    expect([takes.owns(a, 2), takes.owns(a, 1), takes.owns(c, 3)]).toEqual([true, false, false]);
    takes.forgetBefore(10);
    expect([takes.owns(a, 2), takes.owns(b, 4)]).toEqual([false, true]);
  });

  test('forgets what no segment belongs to any more', () => {
    const takes = new TakeLedger();
    takes.add({ from: 3, compositor: a, fence: 1 });
    takes.add({ from: 10, compositor: b, fence: 2 });
    takes.forgetBefore(9);
    expect(owner(takes, 9)).toBe(a);
    takes.forgetBefore(10);
    expect([9, 10].map((k) => owner(takes, k))).toEqual([undefined, b]);
  });
});
