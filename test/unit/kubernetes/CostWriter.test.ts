import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CostWriter } from '../../../src/kubernetes/CostWriter.ts';
import { PodApiError, type WriteOutcome } from '../../../src/kubernetes/PodApi.ts';
import { createMetrics } from '../../../src/metrics.ts';

afterEach(() => vi.useRealTimers());

/** A writer on a clock that the test turns; `answers` are given in turn, then all is well. */
function setUp(answers: (PodApiError | 'ok')[] = []) {
  vi.useFakeTimers();
  const written: [pod: string, cost: number, atMs: number][] = [];
  const begun = Date.now();
  const now = () => Date.now() - begun;
  const { podCosts: metrics, registry } = createMetrics();
  const writer = new CostWriter({
    api: {
      setDeletionCost: async (pod, cost) => {
        written.push([pod, cost, now()]);
        const answer = answers.shift() ?? 'ok';
        if (answer !== 'ok') throw answer;
      },
    },
    clock: { now },
    logger: pino({ level: 'silent' }),
    metrics,
  });
  const want = (costs: Record<string, number>) => writer.want(new Map(Object.entries(costs)));
  const metric = async (name: string, outcome?: WriteOutcome) => {
    const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
    return values.find(({ labels }) => outcome === undefined || labels.outcome === outcome)?.value ?? 0;
  };
  return { writer, written, want, metric, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) };
}

const failure = (outcome: Exclude<WriteOutcome, 'ok'>, retryAfterMs?: number) =>
  new PodApiError(outcome, outcome, retryAfterMs);

describe('what is written', () => {
  test('every pod once, and then only what has changed', async () => {
    const { written, want, pass, metric } = setUp();
    want({ a: 0, b: 4 });
    await pass(0);
    expect(written).toEqual([
      ['a', 0, 0],
      ['b', 4, 0],
    ]);
    want({ a: 0, b: 4 });
    await pass(60_000);
    expect(written).toHaveLength(2);
    want({ a: 8, b: 4 });
    await pass(0);
    expect(written.slice(2)).toEqual([['a', 8, 60_000]]);
    expect(await metric('lianmai_pod_cost_patches_total', 'ok')).toBe(3);
    expect(await metric('lianmai_pod_cost_waiting')).toBe(0);
  });

  test('a pod at most each five seconds, with what it should be then; what is as it was by then is not written', async () => {
    const { written, want, pass, metric } = setUp();
    want({ a: 1, b: 1 });
    await pass(1_000);
    want({ a: 2, b: 2 });
    await pass(1_000);
    want({ a: 3, b: 1 });
    expect(await metric('lianmai_pod_cost_waiting')).toBe(1);
    await pass(10_000);
    expect(written.slice(2)).toEqual([['a', 3, 5_000]]);
  });

  test('a pod that is gone is forgotten, and one of its name begins anew', async () => {
    const { written, want, pass } = setUp();
    want({ a: 1 });
    await pass(0);
    want({});
    want({ a: 1 });
    await pass(0);
    expect(written).toEqual([
      ['a', 1, 0],
      ['a', 1, 0],
    ]);
  });

  test('four at a time, and all in the end', async () => {
    const { writer, want, pass } = setUp();
    await writer.close();
    const open: (() => void)[] = [];
    const { podCosts: metrics } = createMetrics();
    const slow = new CostWriter({
      api: { setDeletionCost: () => new Promise((resolve) => open.push(resolve)) },
      ...{ clock: { now: () => 0 }, logger: pino({ level: 'silent' }), metrics },
    });
    slow.want(new Map(Array.from({ length: 10 }, (_, i) => [`p${i}`, i])));
    expect(open).toHaveLength(4);
    for (let i = 0; i < 10; i++) {
      open[i]?.();
      await pass(0);
    }
    expect(open).toHaveLength(10);
    want({});
    await slow.close();
  });
});

describe('trouble', () => {
  test('403: nothing is written for a second, then two, then four; when it is good again all that waited is', async () => {
    const { written, want, pass, metric } = setUp([failure('denied'), failure('denied'), failure('denied')]);
    want({ a: 1 });
    await pass(0);
    want({ a: 1, b: 2 });
    await pass(10_000);
    expect(written.map(([pod, , at]) => `${pod} ${at}`)).toEqual(['a 0', 'a 1000', 'b 1000', 'a 5000', 'b 5000']);
    expect(await metric('lianmai_pod_cost_patches_total', 'denied')).toBe(3);
    expect(await metric('lianmai_pod_cost_waiting')).toBe(0);
  });

  test('429: as long as the server has asked for', async () => {
    const { written, want, pass } = setUp([failure('throttled', 7_000)]);
    want({ a: 1 });
    await pass(6_999);
    expect(written).toHaveLength(1);
    await pass(1);
    expect(written.at(-1)).toEqual(['a', 1, 7_000]);
  });

  test('it is never given up, and asked no more than once a minute', async () => {
    const { written, want, pass } = setUp(Array.from({ length: 20 }, () => failure('unreachable')));
    want({ a: 1 });
    await pass(30 * 60_000);
    expect(written.length).toBeGreaterThan(20);
    const waits = written.slice(1, 20).map(([, , at], i) => at - (written[i]?.[2] ?? 0));
    expect(Math.max(...waits)).toBe(60_000);
  });

  test('409 is of one pod: that one is tried again, the others go on', async () => {
    const { written, want, pass } = setUp([failure('conflict')]);
    want({ a: 1, b: 2 });
    await pass(0);
    expect(written.map(([pod]) => pod)).toEqual(['a', 'b']);
    await pass(1_000);
    expect(written.at(-1)).toEqual(['a', 1, 1_000]);
  });

  test.each(['gone', 'invalid'] as const)('%s: that pod is left alone until its cost is another', async (outcome) => {
    const { written, want, pass } = setUp([failure(outcome)]);
    want({ a: 1 });
    await pass(120_000);
    expect(written).toHaveLength(1);
    want({ a: 2 });
    await pass(0);
    expect(written).toHaveLength(2);
  });

  test('closed, it begins nothing any more', async () => {
    const { writer, written, want, pass } = setUp([failure('denied')]);
    want({ a: 1 });
    await pass(0);
    await writer.close();
    want({ a: 2, b: 1 });
    await pass(60_000);
    expect(written).toHaveLength(1);
  });
});
