import { Counter, Gauge, Histogram } from 'prom-client';
import type { RoomMetrics } from '../../src/rooms/metrics.ts';
import type { SfuMetrics } from '../../src/sfu/metrics.ts';
import type { SignalingMetrics } from '../../src/signaling/metrics.ts';

const gauge = <T extends string>(name: string, ...labelNames: T[]): Gauge<T> =>
  new Gauge({ name, help: name, labelNames, registers: [] });
const counter = <T extends string>(name: string, ...labelNames: T[]): Counter<T> =>
  new Counter({ name, help: name, labelNames, registers: [] });
const histogram = (name: string): Histogram => new Histogram({ name, help: name, registers: [] });

/** Real metrics that no registry knows, so that each test has its own. */
export const sfuMetrics = (): SfuMetrics => ({
  workers: gauge('workers'),
  workerDeaths: counter('worker_deaths'),
  routers: gauge('routers'),
  transports: gauge('transports', 'direction'),
  producers: gauge('producers', 'source'),
  consumers: gauge('consumers'),
  networkTests: counter('network_tests', 'way', 'reached'),
});
export const roomMetrics = (): RoomMetrics => ({
  rooms: gauge('rooms'),
  peers: gauge('peers', 'role'),
  seats: gauge('seats'),
  rebuilds: counter('rebuilds'),
  health: {
    ...{ loss: histogram('loss'), rttSeconds: histogram('rtt'), bitrate: histogram('bitrate') },
    ...{ findings: gauge('findings', 'code', 'severity'), raised: counter('raised', 'code') },
  },
});
export const signalingMetrics = (): SignalingMetrics => ({
  sockets: gauge('sockets'),
  refused: counter('refused', 'code'),
  events: counter('events', 'event', 'outcome'),
});

/** A metric's value for the labels given, 0 when nothing was counted yet. */
export async function readMetric(
  metric: Gauge<string> | Counter<string>,
  labels: Record<string, string> = {},
): Promise<number> {
  const { values } = await metric.get();
  return values.find((v) => Object.entries(labels).every(([k, l]) => v.labels[k] === l))?.value ?? 0;
}
