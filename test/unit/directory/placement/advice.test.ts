import { describe, expect, test } from 'vitest';
import {
  deletionCosts,
  drainOrder,
  makeRoom,
  nextToEmpty,
  relieve,
} from '../../../../src/directory/placement/advice.ts';
import { agent, busy, forSeeds, wish } from './fleets.ts';

describe('makeRoom', () => {
  test('moves as little as is enough, to where it fits', () => {
    const agents = [busy('a', { x: 1, y: 2, z: 3 }), busy('b', { p: 4, q: 3 }), busy('c', { r: 6 })];
    // `a` and `c` lack one slot for 3; the smallest room that is enough is `x`, and `b` is the fullest that has room for it.
    expect(makeRoom(agents, wish(3))).toEqual([{ id: 'x', from: 'a', to: 'b' }]);
  });
  test('none where there is room already, none where it does not help', () => {
    expect(makeRoom([busy('a', { x: 1 })], wish(3))).toBeUndefined();
    expect(makeRoom([busy('a', { x: 8 }), busy('b', { y: 8 })], wish(1))).toBeUndefined();
    expect(makeRoom([busy('a', { x: 4, y: 2 }), busy('b', { z: 1 }, { draining: true })], wish(3))).toBeUndefined();
  });
  test('only on the agent that is kept for it, when there is one', () => {
    const agents = [busy('a', { x: 1, y: 5 }), busy('b', { p: 6 }), busy('c', { r: 1, s: 4, t: 1 })];
    expect(makeRoom(agents, wish(3), 'c')?.every(({ from }) => from === 'c')).toBe(true);
  });
  test('seeded: afterwards it has room, and nobody is over capacity', () => {
    let found = 0;
    forSeeds(300, (random) => {
      const agents = Array.from({ length: 5 }, (_, i) =>
        busy(`a${i}`, Object.fromEntries(Array.from({ length: 6 }, (_, k) => [`${i}.${k}`, 0.3 + random()]))),
      );
      const one = wish(4);
      const moves = makeRoom(agents, one);
      if (!moves) return;
      found++;
      const used = new Map(agents.map(({ url, used }) => [url, used]));
      for (const { id, from, to } of moves) {
        const slots = agents.find(({ url }) => url === from)?.running.find((r) => r.id === id)?.slots ?? Number.NaN;
        used.set(from, (used.get(from) ?? 0) - slots);
        used.set(to, (used.get(to) ?? 0) + slots);
      }
      expect(Math.max(...used.values())).toBeLessThanOrEqual(8 + 1e-5);
      expect(Math.min(...used.values())).toBeLessThanOrEqual(4 + 1e-5);
    });
    expect(found).toBeGreaterThan(100);
  });
});

describe('relieve', () => {
  test('an agent whose rooms need more than it has gives up enough of them', () => {
    const agents = [busy('a', { x: 5, y: 3, z: 1.5 }), busy('b', { p: 6 })];
    expect(relieve(agents)).toEqual([{ id: 'z', from: 'a', to: 'b' }]);
  });
  test('none while everybody has enough, or where nobody has room', () => {
    expect(relieve([busy('a', { x: 8 }), busy('b', {})])).toEqual([]);
    expect(relieve([busy('a', { x: 5, y: 4 }), busy('b', { p: 6 })])).toEqual([]);
  });
});

describe('who goes first', () => {
  const fleet = [
    agent('a', 3),
    agent('b', 0.3),
    agent('c', 5, { version: '0.9.0' }),
    agent('d', 0, { draining: true }),
  ];

  test('old versions drain first, then the emptiest', () => {
    expect(drainOrder(fleet).map(({ url }) => url)).toEqual(['c', 'b', 'a']);
  });
  test('pod-deletion-cost has the same order, whole numbers, and nothing for a draining pod', () => {
    const costs = deletionCosts(fleet);
    expect([...costs.keys()].sort()).toEqual(['a', 'b', 'c']);
    expect([...costs].sort(([, x], [, y]) => x - y).map(([url]) => url)).toEqual(['c', 'b', 'a']);
    expect([...costs.values()].every(Number.isInteger)).toBe(true);
  });
  test('an empty agent costs less than one with the smallest room; a small change is no new annotation', () => {
    const costs = deletionCosts([agent('empty'), agent('small', 0.01), agent('same', 0.2)]);
    expect(costs.get('empty')).toBeLessThan(costs.get('small') ?? 0);
    expect(costs.get('same')).toBe(costs.get('small'));
  });
  test('to empty: the emptiest, while the others stay below the fill', () => {
    const agents = [busy('a', { x: 6 }), busy('b', { y: 1 }), busy('c', { z: 4 })];
    expect(nextToEmpty(agents, 0.85)).toEqual({ agent: 'b', moves: [{ id: 'y', from: 'b', to: 'a' }] });
    expect(nextToEmpty(agents, 0.6)).toBeUndefined();
  });
  test('an agent of an old version is emptied whatever the fill, as soon as its rooms fit elsewhere', () => {
    const old = busy('old', { x: 2, y: 2 }, { version: '0.9.0' });
    expect(nextToEmpty([old, busy('new', { z: 4 })], 0.5)?.agent).toBe('old');
    expect(nextToEmpty([old, busy('new', { z: 5 })], 0.5)).toBeUndefined();
  });
});
