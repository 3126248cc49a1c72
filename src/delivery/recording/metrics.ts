import type { Counter } from 'prom-client';

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
