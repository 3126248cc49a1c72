/** What the rooms count of how they fare (RoomHealth.ts). */
import type { Counter, Gauge, Histogram } from 'prom-client';
import { counter, gauge, histogram } from '../../metricDefinition.ts';

/** Share of packets: at 0.03 and 0.1 people are told (thresholds.ts). */
const LOSS_BUCKETS = [0, 0.005, 0.01, 0.03, 0.05, 0.1, 0.2, 0.5] as const;
/** Seconds: in one town, over an ocean, by satellite. */
const RTT_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.6, 1, 2] as const;
/** Bits a second: sound alone, one layer of a camera, two, three, and a screen. */
const BITRATE_BUCKETS = [20e3, 60e3, 200e3, 500e3, 1e6, 2e6, 3e6, 5e6] as const;

export const HEALTH_METRICS = {
  uploadLoss: histogram(
    'lianmai_upload_loss_ratio',
    'Share of packets that people lose on the way to the server; one observation a look and person who sends.',
    LOSS_BUCKETS,
  ),
  uploadRtt: histogram('lianmai_upload_rtt_seconds', 'Round trip between people and server; likewise.', RTT_BUCKETS),
  uploadBitrate: histogram('lianmai_upload_bitrate', 'Bits a second that people send; likewise.', BITRATE_BUCKETS),
  findings: gauge('lianmai_health_findings', 'What hosts are told is wrong just now, by code and severity.', [
    'code',
    'severity',
  ]),
  findingsRaised: counter('lianmai_health_findings_total', 'What hosts were told is wrong, by code.', ['code']),
} as const;

export interface HealthMetrics {
  /** lianmai_upload_loss_ratio */
  loss: Histogram;
  /** lianmai_upload_rtt_seconds */
  rttSeconds: Histogram;
  /** lianmai_upload_bitrate */
  bitrate: Histogram;
  /** lianmai_health_findings{code,severity}: FindingCode, Severity. */
  findings: Gauge<'code' | 'severity'>;
  /** lianmai_health_findings_total{code} */
  raised: Counter<'code'>;
}
