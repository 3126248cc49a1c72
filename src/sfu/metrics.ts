import type { Counter, Gauge } from 'prom-client';

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
