/** How a metric is described in the tables that src/metrics.ts makes the real ones of. */

export interface Definition {
  name: `lianmai_${string}`;
  type: 'gauge' | 'counter' | 'histogram';
  labels: readonly string[];
  help: string;
  /** Upper bounds of a histogram's buckets, in the metric's unit. */
  buckets?: readonly number[];
}

export const gauge = (name: Definition['name'], help: string, labels: readonly string[] = []): Definition => ({
  name,
  type: 'gauge',
  labels,
  help,
});
export const counter = (name: Definition['name'], help: string, labels: readonly string[] = []): Definition => ({
  name,
  type: 'counter',
  labels,
  help,
});
export const histogram = (
  name: Definition['name'],
  help: string,
  buckets: readonly number[],
  labels: readonly string[] = [],
): Definition => ({ name, type: 'histogram', labels, help, buckets });

/** Seconds: from a frame's fraction to a few frames. */
export const FRAME_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.1, 0.25] as const;
/** Seconds: a connection that is made anew at once, and a server that was away for minutes. */
export const OUTAGE_BUCKETS = [0.5, 1, 2, 5, 10, 20, 60, 180, 600, 1800] as const;
/** Seconds: starts and recoveries. */
export const START_BUCKETS = [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 20, 60] as const;

/** Seconds: a place that is free in a moment, a pod, a node. */
export const WAIT_BUCKETS = [0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 200, 600, 3600] as const;

/** Seconds: what a part takes from its end on the grid. */
export const PART_BUCKETS = [0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2] as const;
