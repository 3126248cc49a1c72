import type { Counter, Gauge, Histogram } from 'prom-client';
import { counter, type Definition, gauge, histogram } from '../metricDefinition.ts';

/** Part of the server's table of metrics. */
export const DIRECTORY_METRICS = {
  directoryUp: gauge(
    'lianmai_directory_up',
    '1: the directory (Redis) answers, and has everything that this node holds. Without Redis always 1.',
  ),
  directoryHeld: gauge('lianmai_directory_held', 'What this node owns in the directory, by kind.', ['kind']),
  directoryLost: counter('lianmai_directory_lost_total', 'Ownerships that went to a node with a higher fence.', [
    'kind',
  ]),
  directoryReannounced: counter(
    'lianmai_directory_reannounced_total',
    'Ownerships that the directory had forgotten and was told of again.',
    ['kind'],
  ),
  directoryFailures: counter(
    'lianmai_directory_failures_total',
    'Rounds of renewal that failed; they are tried again.',
  ),
  directoryRoundSeconds: histogram(
    'lianmai_directory_round_seconds',
    'A round of renewal of everything that this node owns.',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  ),
} as const satisfies Record<string, Definition>;

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
