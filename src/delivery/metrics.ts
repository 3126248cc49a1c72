import type { Counter, Gauge, Histogram } from 'prom-client';
import type { ViewerMetrics } from './viewers/metrics.ts';

/** What a node does with broadcasts that another one owns. */
export interface EdgeMetrics {
  /** lianmai_edge_requests_total{result: hit | shared | miss} */
  requests: Counter<'result'>;
  /** lianmai_edge_failures_total: requests to owners that got no answer. */
  failures: Counter;
  /** lianmai_edge_upstream: requests to owners that are on their way. */
  upstream: Gauge;
  /** lianmai_edge_cache_bytes */
  bytes: Gauge;
}

/** prom-client members, all labels from closed sets. */
export interface DeliveryMetrics {
  /** lianmai_delivery_parts_total{kind: audio | video} */
  parts: Counter<'kind'>;
  /** lianmai_delivery_part_bytes_total{kind: audio | video} */
  partBytes: Counter<'kind'>;
  /** lianmai_delivery_part_latency_seconds{kind: audio | video}: from a part's end on the grid to its arrival. */
  partLatencySeconds: Histogram<'kind'>;
  /** lianmai_delivery_puts_refused_total{code: an error code of the table} */
  putsRefused: Counter<'code'>;
  /** lianmai_delivery_late_parts_total */
  lateParts: Counter;
  /** lianmai_delivery_gaps_total: segments lost for good. */
  gaps: Counter;
  /** lianmai_delivery_slate_segments_total: segments that are slate, since nothing came for them. */
  slateSegments: Counter;
  /** lianmai_delivery_broadcasts{state: live | ended} */
  broadcasts: Gauge<'state'>;
  /** lianmai_hls_requests_total{kind: multivariant | playlist | init | segment | part | state | picture, status: 2xx | 4xx | 5xx} */
  hlsRequests: Counter<'kind' | 'status'>;
  /** lianmai_hls_bytes_total{kind: as above} */
  hlsBytes: Counter<'kind'>;
  /** lianmai_hls_waiting: requests held until a part arrives. */
  hlsWaiting: Gauge;
  viewers: ViewerMetrics;
  edge: EdgeMetrics;
  /** lianmai_destinations{state: connecting | live | reconnecting | failed} */
  destinations: Gauge<'state'>;
  /** lianmai_destination_bytes_total */
  destinationBytes: Counter;
  /** lianmai_destination_connects_total */
  destinationConnects: Counter;
  /** lianmai_destination_failures_total{reason: unreachable | refused | hung | closed | crashed} */
  destinationFailures: Counter<'reason'>;
  /** lianmai_destination_outage_seconds: from losing a destination to `live` again. */
  destinationOutageSeconds: Histogram;
  /** lianmai_destination_dropped_gops_total */
  destinationDroppedGops: Counter;
}
