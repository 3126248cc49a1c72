/** What viewers have of a program, as their pages say every 30 seconds (beaconRoutes.ts). */
import type { Counter, Histogram } from 'prom-client';
import { counter, histogram } from '../../metricDefinition.ts';

/** Seconds: from the live edge of low latency to a viewer who went back some minutes. */
const LATENCY_BUCKETS = [0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 20, 60, 300] as const;
/** Seconds. */
const FIRST_FRAME_BUCKETS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30] as const;
/** Of the time: a stall of 0.3 s in half a minute is 0.01. */
const RATIO_BUCKETS = [0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] as const;

export const VIEWER_METRICS = {
  viewerBeacons: counter('lianmai_viewer_beacons_total', 'What viewers’ pages said of how they watch.', ['result']),
  viewerLatency: histogram(
    'lianmai_viewer_latency_seconds',
    'How far behind the live edge viewers are.',
    LATENCY_BUCKETS,
  ),
  viewerFirstFrame: histogram(
    'lianmai_viewer_first_frame_seconds',
    'From opening the page of a live broadcast to its first picture.',
    FIRST_FRAME_BUCKETS,
  ),
  viewerStalls: counter('lianmai_viewer_stalls_total', 'Pictures that stood still while they should have moved.'),
  viewerStalledRatio: histogram(
    'lianmai_viewer_stalled_ratio',
    'Share of the time between two beacons in which the picture stood still.',
    RATIO_BUCKETS,
  ),
} as const;

export interface ViewerMetrics {
  /** lianmai_viewer_beacons_total{result: counted | refused} */
  beacons: Counter<'result'>;
  /** lianmai_viewer_latency_seconds */
  latencySeconds: Histogram;
  /** lianmai_viewer_first_frame_seconds */
  firstFrameSeconds: Histogram;
  /** lianmai_viewer_stalls_total */
  stalls: Counter;
  /** lianmai_viewer_stalled_ratio */
  stalledRatio: Histogram;
}
