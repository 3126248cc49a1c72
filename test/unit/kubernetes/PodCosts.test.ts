/** The controller on a shared directory: who does it, and what it makes of the agents that are announced. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { monotonicClock } from '../../../src/common/clock.ts';
import { PROTOCOL } from '../../../src/contracts/ids.ts';
import type { NodeInfo } from '../../../src/directory/entries.ts';
import { MemoryStore } from '../../../src/directory/MemoryStore.ts';
import { SharedDirectory } from '../../../src/directory/SharedDirectory.ts';
import { PodCosts } from '../../../src/kubernetes/PodCosts.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { CutStore } from '../../support/directory/FleetRig.ts';

const logger = pino({ level: 'silent' });
/** Who is not cut off must not lose a lease where the machine stands still for a moment, ms. */
const TTL_MS = 1_000;

/** What all controllers of a test write, and who waits for it. */
class Pods {
  readonly costs = new Map<string, number>();
  readonly writers: string[] = [];
  #listeners: (() => void)[] = [];

  api(node: string) {
    return {
      setDeletionCost: async (pod: string, cost: number) => {
        this.costs.set(pod, cost);
        this.writers.push(node);
        for (const listener of this.#listeners) listener();
      },
    };
  }

  async until(expected: Record<string, number>): Promise<void> {
    const same = () => Object.entries(expected).every(([pod, cost]) => this.costs.get(pod) === cost);
    while (!same()) await new Promise<void>((resolve) => this.#listeners.push(resolve));
  }
}

let store: MemoryStore;
let pods: Pods;
const cleanup: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  store = new MemoryStore({ ttlMs: TTL_MS });
  pods = new Pods();
});
afterEach(async () => {
  for (const end of cleanup.splice(0).reverse()) await end();
});

function join(node: string): { directory: SharedDirectory; line: CutStore } {
  const line = new CutStore(store);
  const directory = new SharedDirectory({ store: line, node, logger });
  cleanup.push(() => directory.close());
  return { directory, line };
}

async function controller(node: string, openApi = async () => pods.api(node)) {
  const { directory, line } = join(node);
  const { podCosts: metrics } = createMetrics();
  const writer = { writeIntervalMs: 1, retryFirstMs: 1 };
  const costs = await PodCosts.create({ directory, openApi, clock: monotonicClock, logger, metrics, writer });
  cleanup.push(() => costs.close());
  return { costs, line };
}

const agent = async (name: string, more: Partial<NodeInfo> = {}) => {
  const { directory } = join(`http://${name}`);
  const fixed = { role: 'compositor', version: '1.0.0', protocol: PROTOCOL } as const;
  const info = { ...fixed, url: `http://${name}`, capacity: 8, load: 0, draining: false, pod: `pod-${name}`, ...more };
  return directory.announce(info);
};

describe('the costs', () => {
  test('the emptiest has the lowest; what an agent says later follows', async () => {
    const a = await agent('a', { load: 3 });
    await agent('b', { load: 1 });
    await controller('http://sfu-1');
    await pods.until({ 'pod-a': 12, 'pod-b': 4 });
    a.update({ load: 0 });
    await pods.until({ 'pod-a': 0 });
    await agent('c', { load: 2 });
    await pods.until({ 'pod-c': 8 });
  });

  test('agents of an old version come before all others', async () => {
    await agent('old', { load: 8, version: '0.9.0' });
    await agent('new', { load: 0 });
    await controller('http://sfu-1');
    await pods.until({ 'pod-old': -1_000_000 + 32, 'pod-new': 0 });
  });

  test('who drains is let alone, and so is who has no pod, or is no agent', async () => {
    await agent('going', { draining: true });
    await agent('elsewhere', { pod: '' });
    await agent('delivery', { role: 'delivery' });
    await agent('here');
    await controller('http://sfu-1');
    await pods.until({ 'pod-here': 0 });
    expect([...pods.costs.keys()]).toEqual(['pod-here']);
  });

  test('a way to the API that is not there yet is looked for again', async () => {
    await agent('a', { load: 1 });
    let tries = 0;
    await controller('http://sfu-1', async () => {
      tries += 1;
      if (tries < 3) throw new Error('no token yet');
      return pods.api('http://sfu-1');
    });
    await pods.until({ 'pod-a': 4 });
    expect(tries).toBe(3);
  });
});

describe('of several nodes', () => {
  test('one writes; when it ends another goes on', async () => {
    const a = await agent('a', { load: 1 });
    const first = await controller('http://sfu-1');
    await pods.until({ 'pod-a': 4 });
    await controller('http://sfu-2');
    a.update({ load: 2 });
    await pods.until({ 'pod-a': 8 });
    expect(new Set(pods.writers)).toEqual(new Set(['http://sfu-1']));
    await first.costs.close();
    a.update({ load: 3 });
    await pods.until({ 'pod-a': 12 });
    expect(pods.writers.at(-1)).toBe('http://sfu-2');
  });

  test('when it is dead to the others, one of them goes on', async () => {
    const a = await agent('a', { load: 1 });
    const first = await controller('http://sfu-1');
    await pods.until({ 'pod-a': 4 });
    await controller('http://sfu-2');
    first.line.cut();
    a.update({ load: 5 });
    await pods.until({ 'pod-a': 20 });
    expect(pods.writers.at(-1)).toBe('http://sfu-2');
  });
});
