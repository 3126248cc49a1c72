/**
 * A day of the fleet, simulated: the real placement policy (src/directory/placement), and the HorizontalPodAutoscaler as `autoscaling/v2` documents
 * it with the behaviour of k8s/base (fleet/hpa.json). What is simulated, and what came out, is in docs/fleet.md.
 *
 *   cut             rooms that were to be handed over and had no free slot within 60 s; 0
 *   to_fixed        pod seconds, of a fleet for the peak all day; ≤ 0.45
 *   to_ideal        pod seconds, of Σ ceil(demand / slots of a pod); ≤ 1.25
 *   pending_s_p95   how long starts wait, over all starts; ≤ 10
 *   pending_s_max   ≤ 200
 *   tenfold         the same fields of a harder day: the number of rooms itself is ten times as large after five minutes, three times
 *
 * --seed N (1), --days N (1): so many seeds from N on, the worst of each goal's field counts; --slots N (8) of a pod; --rooms N (10000) at the
 * peak; --plot [FILE] draws the first day, docs/fleet.svg by default (`--plot` comes last then).
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Bench, BenchContext } from '../bench.ts';
import { BURSTS, type Burst, roomsOfDay, TENFOLD_BURSTS } from './fleet/day.ts';
import { HpaSettings } from './fleet/Hpa.ts';
import { plotDay } from './fleet/plot.ts';
import { type FleetReport, missedGoals, reportDay } from './fleet/report.ts';
import { type DayResult, type SimulationSettings, simulateDay } from './fleet/simulate.ts';

const HPA_FILE = new URL('fleet/hpa.json', import.meta.url);
const PLOT_FILE = new URL('../../docs/fleet.svg', import.meta.url);

/** The numbers, cluster-autoscaler's defaults, and for a handoff what `bench -- drain` allows: 8 rooms in 20 s at the most. */
const SETTINGS = {
  strategy: 'binpack',
  moves: true,
  podStartS: 30,
  nodeStartS: 120,
  drainLimitS: 60,
  handoffS: 5,
  handoffsAtOnce: 2,
  podsPerNode: 4,
  nodeScanS: 10,
  nodeUnneededS: 600,
  metricS: 5,
} as const satisfies Partial<SimulationSettings>;

export const run: Bench = async (context) => {
  const { plot, seed, days, rooms, slots } = readOptions(context.args);
  const hpa = HpaSettings.parse(JSON.parse(await readFile(HPA_FILE, 'utf8')));
  const settings: SimulationSettings = { ...SETTINGS, hpa, slotsPerPod: slots };
  const results: DayResult[] = [];
  const reports: FleetReport[] = [];
  for (let i = 0; i < days; i++) {
    const day = oneDay(context, { seed: seed + i, peak: rooms, bursts: BURSTS }, settings);
    results.push(day);
    reports.push(reportDay(day, slots, SETTINGS.podsPerNode));
  }
  const [first] = results;
  if (plot && first) {
    await writeFile(plot, plotDay(first, { slotsPerPod: slots, bursts: BURSTS }));
    context.say(`the day is drawn in ${plot}`);
  }
  const hard = oneDay(context, { seed, peak: rooms, bursts: TENFOLD_BURSTS }, settings);
  const tenfold = reportDay(hard, slots, SETTINGS.podsPerNode);
  const report = worst(reports);
  const missed = missedGoals(report);
  return {
    ...report,
    ...{ days, seed, slots_per_pod: slots, behavior: hpa.behavior },
    tenfold: { ...tenfold, missed: missedGoals(tenfold) },
    ...{ missed, pass: missed.length === 0 },
  };
};

function readOptions(args: string[]) {
  // parseArgs knows no option with a value that may be left out.
  const given = args.at(-1) === '--plot' ? [...args.slice(0, -1), `--plot=${PLOT_FILE.pathname}`] : args;
  const { values } = parseArgs({
    args: given,
    options: {
      seed: { type: 'string', default: '1' },
      days: { type: 'string', default: '1' },
      rooms: { type: 'string', default: '10000' },
      slots: { type: 'string', default: '8' },
      plot: { type: 'string' },
    },
  });
  const [seed, days, rooms, slots] = [values.seed, values.days, values.rooms, values.slots].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  if (!Number.isInteger(seed)) throw new Error('--seed: a whole number');
  if (!(Number.isInteger(days) && days >= 1)) throw new Error('--days: 1 or more');
  if (!(rooms >= 100 && rooms <= 100_000)) throw new Error('--rooms: 100 to 100000');
  if (!(slots >= 3 && slots <= 64)) throw new Error('--slots: 3 to 64, the largest room must fit');
  return { seed, days, rooms, slots, plot: values.plot };
}

function oneDay(
  { say, signal }: BenchContext,
  day: { seed: number; peak: number; bursts: readonly Burst[] },
  settings: SimulationSettings,
): DayResult {
  signal.throwIfAborted();
  const started = performance.now();
  const result = simulateDay(roomsOfDay(day), settings);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`seed ${day.seed}: ${result.pendingS.length} starts, ${result.events} events in ${seconds} s`);
  return result;
}

/** Of each field that has a goal the worst day; the rest of the first. */
function worst(reports: readonly FleetReport[]): FleetReport {
  const [first] = reports;
  if (!first) throw new Error('no day was simulated');
  const most = (field: keyof FleetReport) => Math.max(...reports.map((report) => report[field]));
  return {
    ...first,
    pending_s_p95: most('pending_s_p95'),
    pending_s_max: most('pending_s_max'),
    late_share: most('late_share'),
    cut: most('cut'),
    to_fixed: most('to_fixed'),
    to_ideal: most('to_ideal'),
  };
}
