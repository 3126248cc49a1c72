import type { Counter, Gauge } from 'prom-client';
import { counter, gauge } from '../metricDefinition.ts';

export const SFU_METRICS = {
  workers: gauge('lianmai_sfu_workers', 'mediasoup workers that run.'),
  workerDeaths: counter('lianmai_sfu_worker_deaths_total', 'mediasoup workers that ended without being asked to.'),
  routers: gauge('lianmai_sfu_routers', 'mediasoup routers.'),
  transports: gauge('lianmai_sfu_transports', 'WebRTC transports, as the client sees them.', ['direction']),
  producers: gauge('lianmai_sfu_producers', 'Streams that people send.', ['source']),
  consumers: gauge('lianmai_sfu_consumers', 'Streams forwarded to browsers.'),
  networkTests: counter(
    'lianmai_sfu_network_tests_total',
    'Ways to the media server that pages tested before joining: `udp`, `tcp` or `relay`, and whether it was reached.',
    ['way', 'reached'],
  ),
} as const;

/** What the SFU counts. */
export interface SfuMetrics {
  /** lianmai_sfu_workers: mediasoup workers that run. */
  workers: Gauge;
  /** lianmai_sfu_worker_deaths_total: workers that ended without being asked to. */
  workerDeaths: Counter;
  /** lianmai_sfu_routers */
  routers: Gauge;
  /** lianmai_sfu_transports{direction}: WebRTC transports; `send` and `recv` as the client sees it. */
  transports: Gauge<'direction'>;
  /** lianmai_sfu_producers{source}: camera, screen, microphone, screen-audio. */
  producers: Gauge<'source'>;
  /** lianmai_sfu_consumers: streams forwarded to browsers; a compositor's are not among them. */
  consumers: Gauge;
  /** lianmai_sfu_network_tests_total{way,reached}: ways that pages tested; `way` is udp, tcp or relay, `reached` true or false. */
  networkTests: Counter<'way' | 'reached'>;
}
