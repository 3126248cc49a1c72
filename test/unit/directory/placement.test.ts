import { describe, expect, test } from 'vitest';
import { PROTOCOL } from '../../../src/contracts/ids.ts';
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
  test('in the middle of an upgrade: agents of our protocol, of the one before and of the one after are asked', () => {
    const numbers = [PROTOCOL - 1, PROTOCOL, PROTOCOL + 1, PROTOCOL + 2];
    const agents = numbers.map((protocol, i) => ({ ...agent(`p${protocol}`, i), protocol }));
    expect(placementOrder(agents).map((a) => a.url)).toEqual(['p1', 'p2', 'p3']);
  });
  test('of agents whose capacity is not known, the one with the least; none is given up', () => {
    expect(placementOrder([agent('a', 9, null), agent('b', 2, null)]).map((a) => a.url)).toEqual(['b', 'a']);
  });
});
