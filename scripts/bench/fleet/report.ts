/** Pure: what happened in a day → the fields of `fleet`, and whether the goals hold. Next: plot.ts draws it. */
import { DAY_S } from './day.ts';
import type { DayResult } from './simulate.ts';

/** What the issue asks for. */
export const GOALS = { cut: 0, toFixed: 0.45, toIdeal: 1.25, pendingP95S: 10, pendingMaxS: 200 } as const;

export interface FleetReport {
  /** Seconds that starts waited for a slot, over all starts of the day. */
  pending_s_p95: number;
  pending_s_p99: number;
  pending_s_max: number;
  /** Share of the starts that waited longer than 10 s. */
  late_share: number;
  /** Rooms that were to be handed over and had no place within the limit. */
  cut: number;
  /** Pod seconds, of what a fleet without any reserve for the peak would have had all day. */
  to_fixed: number;
  /** Pod seconds, of Σ ceil(demand / slots of a pod). */
  to_ideal: number;
  /** Σ ceil(demand / slots), of the fixed fleet: what `to_fixed` would be at best. It is a property of the day alone. */
  ideal_to_fixed: number;
  starts: number;
  rooms_peak: number;
  slots_peak: number;
  pods_peak: number;
  pod_hours: number;
  node_hours: number;
  /** Pod seconds, of the pods that the nodes had room for. */
  nodes_used: number;
  pods_started: number;
  pods_drained: number;
  pods_evicted: number;
  handoffs: number;
  moves_for_large_rooms: number;
  drain_s_max: number;
}

export function reportDay(day: DayResult, slotsPerPod: number, podsPerNode: number): FleetReport {
  const waits = day.pendingS.map(({ seconds }) => seconds).sort((a, b) => a - b);
  const fixedSeconds = Math.ceil(day.peakDemand / slotsPerPod) * DAY_S;
  return {
    pending_s_p95: round(quantile(waits, 0.95), 1),
    pending_s_p99: round(quantile(waits, 0.99), 1),
    pending_s_max: round(waits.at(-1) ?? 0, 1),
    late_share: round(waits.filter((seconds) => seconds > GOALS.pendingP95S).length / Math.max(1, waits.length), 4),
    cut: day.cut,
    to_fixed: round(day.podSeconds / fixedSeconds, 3),
    to_ideal: round(day.podSeconds / day.idealSeconds, 3),
    ideal_to_fixed: round(day.idealSeconds / fixedSeconds, 3),
    starts: waits.length,
    rooms_peak: day.peakRooms,
    slots_peak: Math.round(day.peakDemand),
    pods_peak: Math.max(...day.samples.map(({ pods }) => pods)),
    pod_hours: Math.round(day.podSeconds / 3600),
    node_hours: Math.round(day.nodeSeconds / 3600),
    nodes_used: round(day.podSeconds / (day.nodeSeconds * podsPerNode), 2),
    pods_started: day.podStarts,
    pods_drained: day.drains,
    pods_evicted: day.evictions,
    handoffs: day.handoffs,
    moves_for_large_rooms: day.moved,
    drain_s_max: round(day.longestDrainS, 1),
  };
}

/** The goals that are missed, by field. */
export function missedGoals(report: FleetReport): string[] {
  const missed: [string, boolean][] = [
    ['cut', report.cut > GOALS.cut],
    ['to_fixed', report.to_fixed > GOALS.toFixed],
    ['to_ideal', report.to_ideal > GOALS.toIdeal],
    ['pending_s_p95', report.pending_s_p95 > GOALS.pendingP95S],
    ['pending_s_max', report.pending_s_max > GOALS.pendingMaxS],
  ];
  return missed.filter(([, is]) => is).map(([name]) => name);
}

/** The smallest value that at least this share of the sorted values does not exceed. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
