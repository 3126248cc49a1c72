import { describe, expect, test } from 'vitest';
import { type Berthed, balancingMoves } from '../../../../src/directory/placement/balance.ts';
import { agent, forSeeds, wish } from './fleets.ts';

const berth = (id: string, at: string, slots: number, more: Partial<Berthed> = {}): Berthed => ({
  ...{ id, agent: at, slots, moving: false, pinned: false },
  ...more,
});
const none = { waiting: [] };

describe('balancingMoves', () => {
  test('an agent that needs more than it has comes before one who waits', () => {
    const agents = [agent('a', 9), agent('b', 6), agent('c', 6)];
    const berths = [berth('x', 'a', 1), berth('y', 'a', 8), berth('z', 'b', 2), berth('w', 'c', 6)];
    const waiting = [{ wish: wish(4), reserved: 'b' }];
    expect(balancingMoves({ agents, berths, waiting })).toEqual([{ id: 'x', from: 'a', to: 'b' }]);
    expect(balancingMoves({ agents: [agent('a', 8), ...agents.slice(1)], berths: berths.slice(2), waiting })).toEqual([
      { id: 'z', from: 'b', to: 'c' },
    ]);
  });

  test('nothing leaves an agent while another broadcast is on its way from there, and that one counts as gone', () => {
    const agents = [agent('a', 10), agent('b', 0)];
    const berths = [berth('x', 'a', 1), berth('y', 'a', 4.5), berth('z', 'a', 4.5)];
    expect(balancingMoves({ agents, berths, ...none })).toEqual([{ id: 'y', from: 'a', to: 'b' }]);
    const [x, y, z] = berths as [Berthed, Berthed, Berthed];
    expect(balancingMoves({ agents, berths: [{ ...x, moving: true }, y, z], ...none })).toEqual([]);
    expect(balancingMoves({ agents, berths: [x, { ...y, moving: true }, z], ...none })).toEqual([]);
  });

  test('what is pinned stays, and another one goes in its place', () => {
    const agents = [agent('a', 10), agent('b', 0)];
    const berths = [berth('x', 'a', 2, { pinned: true }), berth('y', 'a', 3), berth('z', 'a', 5)];
    expect(balancingMoves({ agents, berths, ...none })).toEqual([{ id: 'y', from: 'a', to: 'b' }]);
    const all = berths.map((each) => ({ ...each, pinned: true }));
    expect(balancingMoves({ agents, berths: all, ...none })).toEqual([]);
  });

  test('seeded: the order in which things are known does not matter; done one after the other it comes to an end', () => {
    forSeeds(100, (random) => {
      const urls = ['a', 'b', 'c', 'd'];
      let berths = Array.from({ length: 14 }, (_, i) =>
        berth(`x${i}`, urls[Math.floor(random() * 4)] ?? 'a', 0.5 + 2 * random()),
      );
      const used = (url: string) => berths.reduce((sum, each) => sum + (each.agent === url ? each.slots : 0), 0);
      for (let moved = 0; ; moved++) {
        const agents = urls.map((url) => agent(url, used(url)));
        const moves = balancingMoves({ agents, berths, ...none });
        expect(balancingMoves({ agents: agents.toReversed(), berths: berths.toReversed(), ...none })).toEqual(moves);
        const [first] = moves;
        if (!first) break;
        expect(used(first.from)).toBeGreaterThan(8);
        expect(moved).toBeLessThan(14);
        berths = berths.map((each) => (each.id === first.id ? { ...each, agent: first.to } : each));
        // Nobody is given more than it has room for.
        expect(used(first.to)).toBeLessThanOrEqual(8 + 1e-6);
      }
    });
  });
});
