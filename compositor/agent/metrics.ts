import type { Counter, Gauge, Histogram } from 'prom-client';

/** What the agent counts. Label sets are closed: ChildState, CompositorEndReason, and the codes of `refused`. */
export interface AgentMetrics {
  /** `lianmai_compositor_children{state}`: compositor processes by state. */
  children: Pick<Gauge<'state'>, 'set'>;
  /** `lianmai_compositor_slots{kind}`: what the agent offers, and what its broadcasts cost (`used`). */
  slots: Pick<Gauge<'kind'>, 'set'>;
  /** `lianmai_compositor_ends_total{reason}`: compositor processes that ended. */
  ends: Pick<Counter<'reason'>, 'inc'>;
  /** `lianmai_compositor_draining`: 1 from when the agent takes no new broadcasts, since it is about to go. */
  draining: Pick<Gauge, 'set'>;
  /** `lianmai_control_refused_total{code}`: control connections that got no compositor. */
  refused: Pick<Counter<'code'>, 'inc'>;
  /** `lianmai_compositor_warm_seconds`: from spawning a compositor process to its being warm. */
  warmSeconds: Pick<Histogram, 'observe'>;
  /** `lianmai_compositor_bound_seconds`: from `open` to `bound`. */
  boundSeconds: Pick<Histogram, 'observe'>;
}
