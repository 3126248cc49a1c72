import type { Counter } from 'prom-client';
import { counter } from '../../metricDefinition.ts';

export const RECORDING_METRICS = {
  storedSegments: counter(
    'lianmai_stored_segments_total',
    'Segments written to the disk, for time shift and recordings.',
  ),
  storeFailures: counter('lianmai_store_failures_total', 'Times that the disk or the storage of recordings refused.'),
  recordings: counter('lianmai_recordings_total', 'Recordings that are over, by outcome; `stopped` goes on later.', [
    'state',
  ]),
  transcodes: counter('lianmai_transcodes_total', 'Transcodes of recordings, by outcome.', ['state']),
} as const;

export interface RecordingMetrics {
  /** lianmai_recordings_total{state: finished | incomplete | failed | stopped} */
  recordings: Counter<'state'>;
  /** lianmai_stored_segments_total: segments written to the disk, whole. */
  storedSegments: Counter;
  /** lianmai_store_failures_total: times that the disk or the storage refused. */
  storeFailures: Counter;
  /** lianmai_transcodes_total{state: finished | failed} */
  transcodes: Counter<'state'>;
}
