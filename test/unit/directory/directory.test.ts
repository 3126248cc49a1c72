import { describe, expect, test } from 'vitest';
import { MemoryDirectory } from '../../../src/directory/MemoryDirectory.ts';
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

describe('MemoryDirectory', () => {
  test('names the configured nodes, and counts what was placed', async () => {
    const directory = new MemoryDirectory({ agents: () => ['http://a/', 'http://b'], delivery: () => 'http://d/' });
    await directory.placed('http://a', 'c1');
    await directory.placed('http://a', 'c2');
    expect((await directory.agents()).map(({ url, load }) => [url, load])).toEqual([
      ['http://a', 2],
      ['http://b', 0],
    ]);
    await directory.released('c1');
    await directory.released('c1');
    expect((await directory.agents())[0]?.load).toBe(1);
    expect(await directory.delivery('b1')).toBe('http://d');
  });
});
