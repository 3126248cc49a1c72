/**
 * What readings (contracts/usage.ts) mean, as amounts by day in UTC. Pure, and the heart of why nothing is counted twice: a day's amount
 * depends on the set of the largest readings only, never on how often or in what order they came.
 */
import type { UsageKind, UsageReading } from '../contracts/usage.ts';

export const DAY_MS = 86_400_000;
/** Use is charged in steps of this, ms. */
export const STEP_MS = 100;

/** Days since 1970, UTC; leap seconds are no time (POSIX). */
export const dayOf = (wallMs: number): number => Math.floor(wallMs / DAY_MS);
/** `2026-11-26`. */
export const dayName = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);
export const dayNumber = (name: string): number => dayOf(Date.parse(`${name}T00:00:00Z`));

export type Days = Map<number, number>;
type Reading = Pick<UsageReading, 'source' | 'at' | 'value'>;

/** Amounts by day of all readings of one kind and subject of a broadcast. `epoch`: of its frame 0, ms since 1970. */
export function amountsOf(kind: UsageKind, readings: readonly Reading[], epoch: number | null): Days {
  if (kind === 'active') return inSteps(daysOfIntervals(readings, epoch ?? 0));
  if (kind === 'output') return daysOfIntervals(readings, epoch ?? 0);
  return daysOfCounters(readings);
}

/** The union of the intervals, cut at each midnight: time that two had in common is one time. */
function daysOfIntervals(readings: readonly Reading[], epoch: number): Days {
  const days: Days = new Map();
  let doneTo = Number.NEGATIVE_INFINITY;
  for (const { at, value } of readings.toSorted((a, b) => a.at - b.at)) {
    let from = epoch + Math.max(at, doneTo);
    const to = epoch + value;
    while (from < to) {
      const day = dayOf(from);
      const until = Math.min(to, (day + 1) * DAY_MS);
      add(days, day, until - from);
      from = until;
    }
    doneTo = Math.max(doneTo, value);
  }
  return days;
}

/**
 * A source has counted on a day what it had counted at the end of it more than on all days before. A day without a reading has none; one
 * that comes later moves something between days and leaves the sum.
 */
function daysOfCounters(readings: readonly Reading[]): Days {
  const days: Days = new Map();
  const most = new Map<string, number>();
  for (const { source, at, value } of readings.toSorted((a, b) => a.at - b.at)) {
    const before = most.get(source) ?? 0;
    if (value <= before) continue;
    add(days, at, value - before);
    most.set(source, value);
  }
  return days;
}

/**
 * Each begun step of 100 ms counts whole, once for a broadcast: a day has what the rounded sum grew by on it. So days add up to the
 * rounded whole, less than a step above what was run, however many midnights and compositors there were.
 */
function inSteps(days: Days): Days {
  const stepped: Days = new Map();
  let exact = 0;
  let charged = 0;
  for (const [day, amount] of [...days].sort(([a], [b]) => a - b)) {
    exact += amount;
    const now = Math.ceil(exact / STEP_MS) * STEP_MS;
    if (now > charged) stepped.set(day, now - charged);
    charged = now;
  }
  return stepped;
}

function add(days: Days, day: number, amount: number): void {
  days.set(day, (days.get(day) ?? 0) + amount);
}
