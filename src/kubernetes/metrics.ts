import type { Counter, Gauge } from 'prom-client';
import type { WriteOutcome } from './PodApi.ts';

/** What the controller of `pod-deletion-cost` counts; on the node that leads. */
export interface PodCostMetrics {
  /** `lianmai_pod_cost_patches_total{outcome}` */
  patches: Pick<Counter<'outcome'>, 'inc'> & { inc(labels: { outcome: WriteOutcome }): void };
  /** `lianmai_pod_cost_waiting`: pods whose annotation is not what it should be. */
  waiting: Pick<Gauge, 'set'>;
}
