import type { Counter } from 'prom-client';

/** prom-client members, all labels from closed sets. */
export interface UsageMetrics {
  /** lianmai_usage_reports_total{result: written | failed}: reports of this node to its own ledger. */
  reports: Counter<'result'>;
  /** lianmai_usage_exchanges_total{result: done | failed}: with other nodes. */
  exchanges: Counter<'result'>;
}
