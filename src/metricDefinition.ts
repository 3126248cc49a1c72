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
