/** The parts of `bench -- fleet`: the HPA against what Kubernetes documents, the day, a small fleet's day, and the picture. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BURSTS, roomKinds, roomsOfDay } from '../../../../scripts/bench/fleet/day.ts';
import { EventQueue } from '../../../../scripts/bench/fleet/EventQueue.ts';
import { Hpa, HpaSettings } from '../../../../scripts/bench/fleet/Hpa.ts';
import { plotDay } from '../../../../scripts/bench/fleet/plot.ts';
import { missedGoals, quantile, reportDay } from '../../../../scripts/bench/fleet/report.ts';
import { type SimulationSettings, simulateDay } from '../../../../scripts/bench/fleet/simulate.ts';

const OURS = HpaSettings.parse(
  JSON.parse(readFileSync(new URL('../../../../scripts/bench/fleet/hpa.json', import.meta.url), 'utf8')),
);

/** Kubernetes' defaults (“Default Behavior” of its HPA page), a pod of 10 slots, target 10. */
const DEFAULTS: HpaSettings = {
  ...{ metric: 'm', targetFill: 1, minReplicas: 1, maxReplicas: 1000 },
  behavior: {
    scaleUp: {
      ...{ stabilizationWindowSeconds: 0, selectPolicy: 'Max' },
      policies: [
        { type: 'Percent', value: 100, periodSeconds: 15 },
        { type: 'Pods', value: 4, periodSeconds: 15 },
      ],
    },
    scaleDown: {
      ...{ stabilizationWindowSeconds: 300, selectPolicy: 'Max' },
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
    },
  },
};
const withDown = (scaleDown: Partial<HpaSettings['behavior']['scaleDown']>): HpaSettings => ({
  ...DEFAULTS,
  behavior: { ...DEFAULTS.behavior, scaleDown: { ...DEFAULTS.behavior.scaleDown, ...scaleDown } },
});

describe('Hpa', () => {
  test('wants ceil(sum / target), and nothing within the tolerance of 10 %', () => {
    const wanted = (metric: number) => new Hpa(DEFAULTS, 10).sync(0, metric, 10);
    expect(wanted(109.9)).toBe(10);
    expect(wanted(110.1)).toBe(12);
    expect(wanted(131)).toBe(14);
    expect(wanted(90.1)).toBe(10);
    expect(wanted(89.9)).toBe(9);
  });
  test('scale-up: 4 pods or 100 %, whichever is more, each 15 s', () => {
    const hpa = new Hpa(DEFAULTS, 10);
    let replicas = 1;
    const steps = [0, 15, 30, 45, 60].map((atS) => (replicas = hpa.sync(atS, 500, replicas)));
    expect(steps).toEqual([5, 10, 20, 40, 50]);
  });
  test('what was added within the period counts: no second doubling before it is over', () => {
    const settings = structuredClone(DEFAULTS);
    for (const policy of settings.behavior.scaleUp.policies) policy.periodSeconds = 60;
    const hpa = new Hpa(settings, 10);
    let replicas = 10;
    const steps = [0, 15, 30, 45, 60].map((atS) => (replicas = hpa.sync(atS, 1000, replicas)));
    expect(steps).toEqual([20, 20, 20, 20, 40]);
  });
  test('scale-down waits until nothing in the last 300 s wanted more', () => {
    const hpa = new Hpa(DEFAULTS, 10);
    expect(hpa.sync(0, 100, 10)).toBe(10);
    for (let atS = 15; atS < 300; atS += 15) expect(hpa.sync(atS, 20, 10)).toBe(10);
    expect(hpa.sync(300, 20, 10)).toBe(2);
  });
  test('the page’s example: 4 pods or 10 % in a minute, 80 pods become 72, then 64; the last forty go by fours', () => {
    const policies: HpaSettings['behavior']['scaleDown']['policies'] = [
      { type: 'Pods', value: 4, periodSeconds: 60 },
      { type: 'Percent', value: 10, periodSeconds: 60 },
    ];
    const hpa = new Hpa(withDown({ stabilizationWindowSeconds: 0, policies }), 10);
    let replicas = 80;
    const steps = [0, 60, 120].map((atS) => (replicas = hpa.sync(atS, 100, replicas)));
    expect(steps).toEqual([72, 64, 57]);
    expect(new Hpa(withDown({ stabilizationWindowSeconds: 0, policies }), 10).sync(0, 100, 30)).toBe(26);
    const least = withDown({ stabilizationWindowSeconds: 0, policies, selectPolicy: 'Min' });
    expect(new Hpa(least, 10).sync(0, 100, 80)).toBe(76);
    const disabled = withDown({ stabilizationWindowSeconds: 0, selectPolicy: 'Disabled' });
    expect(new Hpa(disabled, 10).sync(0, 100, 80)).toBe(80);
  });
  test('stays between the least and the most', () => {
    const settings = { ...withDown({ stabilizationWindowSeconds: 0 }), minReplicas: 2, maxReplicas: 12 };
    expect(new Hpa(settings, 10).sync(0, 1000, 10)).toBe(12);
    expect(new Hpa(settings, 10).sync(0, 0, 10)).toBe(2);
  });
  test('ours is filled to no more than 85 %, grows at once and shrinks slowly', () => {
    expect(OURS.targetFill).toBeLessThanOrEqual(0.85);
    expect(OURS.behavior.scaleUp.stabilizationWindowSeconds).toBe(0);
    expect(OURS.behavior.scaleDown.stabilizationWindowSeconds).toBeGreaterThanOrEqual(300);
  });
});

test('events happen in the order of their time, then of their making', () => {
  const events = new EventQueue();
  const seen: number[] = [];
  for (const [i, atS] of [5, 1, 3, 1, 9, 3, 2].entries()) events.at(atS, () => seen.push(atS * 10 + i));
  events.at(2, () => events.after(0.5, () => seen.push(25)));
  events.runUntil(9);
  expect(seen).toEqual([11, 13, 26, 25, 32, 35, 50]);
});

describe('the day', () => {
  const day = { seed: 7, peak: 1000, bursts: BURSTS };
  const rooms = roomsOfDay(day);
  const alive = (atS: number) => rooms.filter((r) => r.startS <= atS && atS < r.startS + r.lengthS).length;

  test('is the same for the same seed', () => {
    expect(roomsOfDay(day)).toEqual(rooms);
    expect(roomsOfDay({ ...day, seed: 8 })).not.toEqual(rooms);
  });
  test('has as many rooms at its peak as was asked for', () => {
    const highest = Math.max(...Array.from({ length: 96 }, (_, i) => alive(i * 900)));
    expect(highest).toBeGreaterThan(900);
    expect(highest).toBeLessThan(1100);
  });
  test('rooms last 40 min, the median', () => {
    const lengths = rooms
      .filter((r) => r.startS >= 0)
      .map((r) => r.lengthS)
      .sort((a, b) => a - b);
    expect(quantile(lengths, 0.5) / 60).toBeGreaterThan(38);
    expect(quantile(lengths, 0.5) / 60).toBeLessThan(42);
  });
  test('in a burst starts are ten times as frequent', () => {
    const starts = (fromS: number, toS: number) => rooms.filter((r) => r.startS >= fromS && r.startS < toS).length;
    for (const { fromS } of BURSTS.slice(1)) {
      const usual = (starts(fromS - 900, fromS) + starts(fromS + 300, fromS + 1200)) / 6;
      expect(starts(fromS, fromS + 300) / usual).toBeGreaterThan(7);
      expect(starts(fromS, fromS + 300) / usual).toBeLessThan(13);
    }
  });
  test('its kinds of rooms are all of them', () => {
    expect(roomKinds().reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });
});

describe('a small fleet’s day', () => {
  const settings: SimulationSettings = {
    ...{ hpa: OURS, slotsPerPod: 8, strategy: 'binpack', moves: true, podStartS: 30, nodeStartS: 120, drainLimitS: 60 },
    ...{ handoffS: 5, handoffsAtOnce: 2, podsPerNode: 4, nodeScanS: 10, nodeUnneededS: 600, metricS: 5 },
  };
  const rooms = roomsOfDay({ seed: 3, peak: 600, bursts: BURSTS });
  const day = simulateDay(rooms, settings);
  const report = reportDay(day, 8, 4);

  test('every start got its slot, nobody was cut, and the longest wait is a node’s and a pod’s start', () => {
    expect(report.starts + day.neverStarted).toBe(rooms.filter(({ startS }) => startS >= 0).length);
    expect(day.neverStarted).toBeLessThan(5);
    expect(report.cut).toBe(0);
    expect(report.pending_s_max).toBeGreaterThan(30);
    expect(report.pending_s_max).toBeLessThanOrEqual(200);
    expect(report.handoffs).toBeGreaterThan(10);
    expect(report.drain_s_max).toBeGreaterThan(0);
    expect(report.drain_s_max).toBeLessThanOrEqual(60);
  });
  test('it costs more than the ideal and less than the fixed fleet', () => {
    expect(report.to_ideal).toBeGreaterThan(1);
    expect(report.to_fixed).toBeLessThan(1);
    expect(report.to_fixed / report.ideal_to_fixed).toBeCloseTo(report.to_ideal, 1);
  });
  test('the demand that is measured is that of the rooms', () => {
    const atS = 12 * 3600;
    const sample = day.samples.find((s) => s.atS === atS);
    const alive = rooms.filter((r) => r.startS <= atS && atS < r.startS + r.lengthS);
    const slots = alive.reduce((sum, r) => sum + r.slots, 0);
    // A room that waited ends as much later.
    expect(sample?.demand).toBeGreaterThanOrEqual(slots - 1e-6);
    expect(sample?.demand).toBeLessThan(slots * 1.03);
  });
  test('the same settings give the same day', () => {
    expect(simulateDay(rooms, settings)).toEqual(day);
  });
  test('without room for what is drained rooms are cut: the count can fail', () => {
    const tight: SimulationSettings = {
      ...{ ...settings, drainLimitS: 4 },
      hpa: { ...OURS, targetFill: 1 },
    };
    expect(simulateDay(rooms, tight).cut).toBeGreaterThan(0);
  });
  test('the picture has a line for each series, and all of it is inside', () => {
    const svg = plotDay(day, { slotsPerPod: 8, bursts: BURSTS });
    expect(svg.match(/<polyline/g)).toHaveLength(3);
    expect(svg.match(/NaN|undefined|Infinity/)).toBeNull();
    for (const [, y] of svg.matchAll(/ y[12]?="([\d.]+)"/g)) expect(Number(y)).toBeLessThanOrEqual(660);
  });
});

test('a missed goal is named', () => {
  const day = { cut: 1, to_fixed: 0.5, to_ideal: 1.3, pending_s_p95: 11, pending_s_max: 201 };
  expect(missedGoals(day as Parameters<typeof missedGoals>[0])).toEqual(Object.keys(day));
  const kept = { cut: 0, to_fixed: 0.45, to_ideal: 1.25, pending_s_p95: 10, pending_s_max: 200 };
  expect(missedGoals(kept as Parameters<typeof missedGoals>[0])).toEqual([]);
});
