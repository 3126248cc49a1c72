import type { Counter, Gauge } from 'prom-client';
import { counter, gauge } from '../metricDefinition.ts';

export const CHAT_METRICS = {
  chatSockets: gauge(
    'lianmai_chat_sockets',
    'Connections to the chat, by who: `member` (join token), `guest`, `reader`.',
    ['kind'],
  ),
  chatRefused: counter('lianmai_chat_refused_total', 'Connections not let in to the chat, by error code.', ['code']),
  chatEvents: counter(
    'lianmai_chat_events_total',
    'What people did in the chat; the outcome is `ok` or an error code.',
    ['event', 'outcome'],
  ),
  chatBatches: counter('lianmai_chat_batches_total', 'Batches of messages and sums of reactions sent to rooms.', [
    'kind',
  ]),
  chatStoreFailures: counter(
    'lianmai_chat_store_failures_total',
    'Steps of the chat that Redis did not do: they held for this node alone.',
  ),
} as const;

/** What the chat counts. */
export interface ChatMetrics {
  /** lianmai_chat_sockets{kind: member | guest | reader} */
  sockets: Gauge<'kind'>;
  /** lianmai_chat_refused_total{code} */
  refused: Counter<'code'>;
  /** lianmai_chat_events_total{event,outcome}: `event` of the contract or `unknown`. */
  events: Counter<'event' | 'outcome'>;
  /** lianmai_chat_batches_total{kind: messages | reactions} */
  batches: Counter<'kind'>;
  /** lianmai_chat_store_failures_total */
  storeFailures: Counter;
}
