import type { Counter, Gauge } from 'prom-client';

/** What signalling counts. */
export interface SignalingMetrics {
  /** lianmai_signaling_sockets: connections let in. */
  sockets: Gauge;
  /** lianmai_signaling_refused_total{code}: connections not let in, by error code. */
  refused: Counter<'code'>;
  /** lianmai_signaling_events_total{event,outcome}: client events; `outcome` is `ok` or an error code, `event` of the contract or `unknown`. */
  events: Counter<'event' | 'outcome'>;
}
