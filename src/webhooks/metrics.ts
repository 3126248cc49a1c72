import type { Counter, Gauge, Histogram } from 'prom-client';

/** What the webhooks count. Label sets are closed: event types, PostOutcome, GiveUpReason. */
export interface WebhookMetrics {
  /** `lianmai_webhook_events_total{type}`: events that were for at least one endpoint. */
  events: Pick<Counter<'type'>, 'inc'>;
  /** `lianmai_webhook_unsaved_events_total`: sent from memory, since they could not be written. */
  unsaved: Pick<Counter, 'inc'>;
  /** `lianmai_webhook_attempts_total{outcome}` */
  attempts: Pick<Counter<'outcome'>, 'inc'>;
  /** `lianmai_webhook_attempt_seconds` */
  attemptSeconds: Pick<Histogram, 'observe'>;
  /** `lianmai_webhook_delay_seconds`: from an event to its acceptance. */
  delaySeconds: Pick<Histogram, 'observe'>;
  /** `lianmai_webhook_waiting`: events that an endpoint has not accepted yet. */
  waiting: Pick<Gauge, 'inc' | 'dec'>;
  /** `lianmai_webhook_given_up_total{reason}` */
  givenUp: Pick<Counter<'reason'>, 'inc'>;
}

/** `expired`: not accepted within a day. `full`: the queue of the endpoint was full. */
export type GiveUpReason = 'expired' | 'full';
