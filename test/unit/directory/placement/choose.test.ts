import { describe, expect, test } from 'vitest';
import { chooseAgent, rankAgents } from '../../../../src/directory/placement/choose.ts';
import { compareVersions, newestVersion } from '../../../../src/directory/placement/versions.ts';
import type { AgentView } from '../../../../src/directory/placement/views.ts';
import { agent, forSeeds, wish } from './fleets.ts';

const names = (agents: readonly AgentView[]): string[] => agents.map(({ url }) => url);

describe('rankAgents', () => {
  test('binpack: the fullest that has room; spread: the emptiest', () => {
    const agents = [agent('a', 3), agent('b', 7.5), agent('c', 6), agent('d', 0)];
    expect(names(rankAgents(agents, wish(1)))).toEqual(['c', 'a', 'd']);
    expect(names(rankAgents(agents, wish(1), 'spread'))).toEqual(['d', 'a', 'c']);
  });
  test('a draining agent is never chosen, nor one that is to be avoided', () => {
    const agents = [agent('a', 3, { draining: true }), agent('b', 3), agent('c', 1)];
    expect(names(rankAgents(agents, wish(1, { avoid: ['b'] })))).toEqual(['c']);
    expect(chooseAgent([agent('a', 0, { draining: true })], wish(1))).toBeUndefined();
  });
  test('the new version is preferred, even where an old agent is fuller; an old one is better than none', () => {
    const old = agent('old', 6);
    expect(chooseAgent([old, agent('new', 0, { version: '1.1.0' })], wish(1))?.url).toBe('new');
    expect(chooseAgent([old, agent('new', 8, { version: '1.1.0' })], wish(1))?.url).toBe('old');
  });
  test('the protocol of the agent is the controller’s, the one before or the one after', () => {
    const agents = [1, 2, 3, 4, 5].map((protocol) => agent(`p${protocol}`, 0, { protocol }));
    expect(names(rankAgents(agents, wish(1, { protocol: 3 })))).toEqual(['p2', 'p3', 'p4']);
  });
  test('what no agent is large enough for gets an empty one of the largest; not while a large enough one is only full', () => {
    const small = [agent('a', 0, { slots: 4 }), agent('b', 1, { slots: 4 }), agent('c', 0, { slots: 2 })];
    expect(chooseAgent(small, wish(5))?.url).toBe('a');
    expect(chooseAgent([...small, agent('d', 8)], wish(5))).toBeUndefined();
  });
});

describe('chooseAgent, seeded', () => {
  test('it is the first of the ranking, and with it no agent is ever over its capacity', () => {
    forSeeds(300, (random) => {
      const agents = Array.from({ length: 8 }, (_, i) =>
        agent(`a${i}`, 0, {
          slots: 2 + Math.floor(random() * 8),
          draining: random() < 0.2,
          version: random() < 0.3 ? '1.1.0' : '1.0.0',
        }),
      );
      const strategy = random() < 0.5 ? 'binpack' : 'spread';
      for (let i = 0; i < 60; i++) {
        const one = wish(0.2 + random() * 1.8);
        const chosen = chooseAgent(agents, one, strategy);
        expect(chosen).toBe(rankAgents(agents, one, strategy)[0]);
        if (!chosen) continue;
        expect(chosen.draining).toBe(false);
        chosen.used += one.slots;
        expect(chosen.used).toBeLessThanOrEqual((chosen.slots ?? 0) + 1e-5);
      }
    });
  });

  /** Agents in use after all of them are placed, one by one. */
  const packed = (sizes: readonly number[]): number => {
    const agents = sizes.map((_, i) => agent(`a${String(i).padStart(3, '0')}`));
    for (const slots of sizes) {
      const chosen = chooseAgent(agents, wish(slots));
      if (chosen) chosen.used += slots;
    }
    return agents.filter(({ used }) => used > 0).length;
  };
  const firstFit = (sizes: readonly number[]): number => {
    const bins: number[] = [];
    for (const slots of sizes) {
      const found = bins.findIndex((used) => used + slots <= 8 + 1e-6);
      if (found < 0) bins.push(slots);
      else bins[found] = (bins[found] ?? 0) + slots;
    }
    return bins.length;
  };
  const sizesOf = (random: () => number, largest: number): number[] =>
    Array.from({ length: 20 + Math.floor(random() * 80) }, () => 0.2 + random() * (largest - 0.2));
  const decreasing = (sizes: readonly number[]): number[] => sizes.toSorted((a, b) => b - a);

  test('binpack uses no more agents than first-fit-decreasing plus one when it is offered the large ones first', () => {
    forSeeds(300, (random) => {
      const sizes = decreasing(sizesOf(random, 7));
      expect(packed(sizes)).toBeLessThanOrEqual(firstFit(sizes) + 1);
    });
  });
  test('in the order in which rooms come it stays below 1.7 times first-fit-decreasing (best fit: Dósa and Sgall 2014)', () => {
    forSeeds(300, (random) => {
      const sizes = sizesOf(random, 8);
      expect(packed(sizes)).toBeLessThanOrEqual(Math.floor(1.7 * firstFit(decreasing(sizes))));
    });
  });
  test('rooms of at most a quarter of an agent fill all agents but one to three quarters', () => {
    forSeeds(300, (random) => {
      const sizes = sizesOf(random, 2);
      const sum = sizes.reduce((total, slots) => total + slots, 0);
      expect(packed(sizes)).toBeLessThanOrEqual(Math.ceil(sum / 6) + 1);
    });
  });
});

describe('compareVersions', () => {
  test('orders as Semantic Versioning’s own examples', () => {
    const ordered = [
      ...['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11'],
      ...['1.0.0-rc.1', '1.0.0', '1.9.0', '1.10.0', '2.0.0'],
    ];
    for (const [i, a] of ordered.entries())
      for (const [k, b] of ordered.entries()) expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(i - k));
  });
  test('the build does not count, a v before it neither; what is no version is older than any', () => {
    expect(compareVersions('1.0.0+a', 'v1.0.0+b')).toBe(0);
    expect(compareVersions('main', '0.0.1')).toBeLessThan(0);
    expect(newestVersion([{ version: 'main' }, { version: '0.1.0' }, { version: '0.1.0-dev' }])).toBe('0.1.0');
    expect(newestVersion([])).toBeUndefined();
  });
});
