export interface Spread {
  min: number;
  p50: number;
  p95: number;
  max: number;
}

/** null: no values. Rounded to a tenth. */
export function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Number((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1));
  return { min: at(0), p50: at(0.5), p95: at(0.95), max: at(1) };
}
