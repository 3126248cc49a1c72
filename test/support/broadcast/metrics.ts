import { Counter, Gauge, Histogram } from 'prom-client';
import type { AgentMetrics } from '../../../compositor/agent/metrics.ts';
import type { BroadcastMetrics } from '../../../src/broadcast/metrics.ts';

const shape = <T extends string>(name: string, labelNames: T[]) => ({ name, help: name, labelNames, registers: [] });
const gauge = <T extends string>(name: string, ...labels: T[]) => new Gauge<T>(shape(name, labels));
const counter = <T extends string>(name: string, ...labels: T[]) => new Counter<T>(shape(name, labels));
const histogram = (name: string) => new Histogram(shape(name, []));

/** Real metrics that no registry knows, so that each test has its own. */
export const agentMetrics = () =>
  ({
    children: gauge('children', 'state'),
    slots: gauge('slots', 'kind'),
    ends: counter('ends', 'reason'),
    draining: gauge('draining'),
    refused: counter('refused', 'code'),
    warmSeconds: histogram('warm'),
    boundSeconds: histogram('bound'),
  }) satisfies AgentMetrics;

export const broadcastMetrics = () =>
  ({
    broadcasts: gauge('broadcasts', 'state'),
    demand: gauge('demand'),
    pending: gauge('pending', 'kind', 'reason'),
    waitSeconds: histogram('wait'),
    ended: counter('ended', 'reason'),
    startSeconds: histogram('start'),
    restarts: counter('restarts', 'reason'),
    resumed: counter('resumed'),
    recoverySeconds: histogram('recovery'),
    handoffs: counter('handoffs', 'reason', 'outcome'),
    handoffSeconds: histogram('handoff'),
    lostFrames: counter('lost'),
    jobs: counter('jobs'),
    keyframes: counter('keyframes'),
    fps: histogram('fps'),
    frames: counter('frames'),
    lateFrames: counter('late'),
    repeatedFrames: counter('repeated'),
    degradation: gauge('degradation', 'step'),
    degradations: counter('degradations', 'step'),
    composeSeconds: histogram('compose'),
    encodeSeconds: histogram('encode'),
    partLatencySeconds: histogram('part'),
    clockErrorSeconds: histogram('clock'),
  }) satisfies BroadcastMetrics;
