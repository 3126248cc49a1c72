/** Agents, wishes and seeded fleets for the tests of the placement policy. */
import type { AgentView, BusyAgent, Wish } from '../../../../src/directory/placement/views.ts';
import type { Waiting } from '../../../../src/directory/placement.ts';
import { randomOf } from '../../../support/sound/random.ts';

export const agent = (url: string, used = 0, more: Partial<AgentView> = {}): AgentView => ({
  ...{ url, slots: 8, used, draining: false, version: '1.0.0', protocol: 1 },
  ...more,
});
export const wish = (slots: number, more: Partial<Wish> = {}): Wish => ({ id: 'w', slots, protocol: 1, ...more });
export const waits = (id: string, slots: number, sinceMs: number, more: Partial<Waiting> = {}): Waiting => ({
  ...{ id, slots, sinceMs, kind: 'start', tenant: 't', priority: 0, protocol: 1 },
  ...more,
});
export const busy = (url: string, running: Record<string, number>, more: Partial<AgentView> = {}): BusyAgent => ({
  ...agent(
    url,
    Object.values(running).reduce((sum, slots) => sum + slots, 0),
    more,
  ),
  running: Object.entries(running).map(([id, slots]) => ({ id, slots })),
});

/** Runs `check` for as many seeds; a failure names its seed. */
export function forSeeds(count: number, check: (random: () => number, seed: number) => void): void {
  for (let seed = 1; seed <= count; seed++) {
    try {
      check(randomOf(seed), seed);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
}
