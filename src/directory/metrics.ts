import type { Counter, Gauge, Histogram } from 'prom-client';

/** What the directory counts. Labels are EntryKind's. */
export interface DirectoryMetrics {
  /** `lianmai_directory_up`: 1 when it answers, and has everything that this node holds. */
  up: Pick<Gauge, 'set'>;
  /** `lianmai_directory_held{kind}` */
  held: Pick<Gauge<'kind'>, 'inc' | 'dec'>;
  /** `lianmai_directory_lost_total{kind}`: told that somebody else has it. */
  lost: Pick<Counter<'kind'>, 'inc'>;
  /** `lianmai_directory_reannounced_total{kind}`: the directory had forgotten it. */
  reannounced: Pick<Counter<'kind'>, 'inc'>;
  /** `lianmai_directory_failures_total`: rounds of renewal without an answer. */
  failures: Pick<Counter, 'inc'>;
  /** `lianmai_directory_round_seconds`: a round of renewal. */
  roundSeconds: Pick<Histogram, 'observe'>;
}
