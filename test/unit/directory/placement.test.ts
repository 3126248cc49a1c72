import { describe, expect, test } from 'vitest';
import { placementOrder } from '../../../src/directory/placement.ts';

const agent = (url: string, load: number, capacity: number | null = 4, draining = false) => ({
  url,
  load,
  capacity,
  draining,
});

describe('placementOrder', () => {
  test('the emptiest first; full and draining ones not at all', () => {
    const agents = [agent('a', 3), agent('b', 1), agent('c', 4), agent('d', 0, 4, true), agent('e', 1, 8)];
    expect(placementOrder(agents).map((a) => a.url)).toEqual(['e', 'b', 'a']);
  });
  test('of agents whose capacity is not known, the one with the least; none is given up', () => {
    expect(placementOrder([agent('a', 9, null), agent('b', 2, null)]).map((a) => a.url)).toEqual(['b', 'a']);
  });
});
