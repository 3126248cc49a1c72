/** The metrics of one process: those of the table (metricTable.ts), in a registry, as each part wants them. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { AgentMetrics } from '../compositor/agent/metrics.ts';
import type { BroadcastMetrics } from './broadcast/metrics.ts';
import type { DeliveryMetrics } from './delivery/metrics.ts';
import type { RecordingMetrics } from './delivery/recording/metrics.ts';
import type { DirectoryMetrics } from './directory/metrics.ts';
import type { PodCostMetrics } from './kubernetes/metrics.ts';
import { type Definition, METRICS } from './metricTable.ts';
import type { RoomMetrics } from './rooms/metrics.ts';
import type { SfuMetrics } from './sfu/metrics.ts';
import type { SignalingMetrics } from './signaling/metrics.ts';
import type { UsageMetrics } from './usage/metrics.ts';
import type { WebhookMetrics } from './webhooks/metrics.ts';

export interface Metrics {
  registry: Registry;
  sfu: SfuMetrics;
  rooms: RoomMetrics;
  signaling: SignalingMetrics;
  broadcast: BroadcastMetrics;
  agent: AgentMetrics;
  delivery: DeliveryMetrics;
  usage: UsageMetrics;
  webhooks: WebhookMetrics;
  recording: RecordingMetrics;
  directory: DirectoryMetrics;
  podCosts: PodCostMetrics;
}

/** All metrics in a registry of their own, and Node's own (`nodejs_…`, `process_…`). */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const shape = ({ name, help, labels }: Definition) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  const g = (definition: Definition) => new Gauge(shape(definition));
  const c = (definition: Definition) => new Counter(shape(definition));
  const h = (definition: Definition) =>
    new Histogram({ ...shape(definition), buckets: [...(definition.buckets ?? [])] });
  const m = METRICS;
  return {
    registry,
    sfu: {
      workers: g(m.workers),
      workerDeaths: c(m.workerDeaths),
      routers: g(m.routers),
      transports: g(m.transports),
      producers: g(m.producers),
      consumers: g(m.consumers),
    },
    rooms: { rooms: g(m.rooms), peers: g(m.peers), seats: g(m.seats), rebuilds: c(m.rebuilds) },
    signaling: { sockets: g(m.sockets), refused: c(m.socketsRefused), events: c(m.events) },
    broadcast: {
      broadcasts: g(m.broadcasts),
      demand: g(m.demand),
      pending: g(m.pending),
      waitSeconds: h(m.waitSeconds),
      ended: c(m.broadcastsEnded),
      startSeconds: h(m.startSeconds),
      restarts: c(m.restarts),
      resumed: c(m.resumed),
      recoverySeconds: h(m.recoverySeconds),
      handoffs: c(m.handoffs),
      handoffSeconds: h(m.handoffSeconds),
      lostFrames: c(m.lostFrames),
      jobs: c(m.jobs),
      keyframes: c(m.keyframes),
      fps: h(m.fps),
      frames: c(m.frames),
      lateFrames: c(m.lateFrames),
      repeatedFrames: c(m.repeatedFrames),
      degradation: g(m.degradation),
      degradations: c(m.degradations),
      composeSeconds: h(m.composeSeconds),
      encodeSeconds: h(m.encodeSeconds),
      partLatencySeconds: h(m.partLatencySeconds),
      clockErrorSeconds: h(m.clockErrorSeconds),
    },
    agent: {
      children: g(m.children),
      slots: g(m.slots),
      ends: c(m.childEnds),
      draining: g(m.agentDraining),
      refused: c(m.controlRefused),
      warmSeconds: h(m.warmSeconds),
      boundSeconds: h(m.boundSeconds),
    },
    delivery: {
      parts: c(m.parts),
      partBytes: c(m.partBytes),
      partLatencySeconds: h(m.partArrivalSeconds),
      putsRefused: c(m.putsRefused),
      lateParts: c(m.lateParts),
      gaps: c(m.gaps),
      slateSegments: c(m.slateSegments),
      broadcasts: g(m.programs),
      hlsRequests: c(m.hlsRequests),
      hlsBytes: c(m.hlsBytes),
      hlsWaiting: g(m.hlsWaiting),
      edge: {
        requests: c(m.edgeRequests),
        failures: c(m.edgeFailures),
        upstream: g(m.edgeUpstream),
        bytes: g(m.edgeCacheBytes),
      },
      destinations: g(m.destinations),
      destinationBytes: c(m.destinationBytes),
      destinationConnects: c(m.destinationConnects),
      destinationFailures: c(m.destinationFailures),
      destinationOutageSeconds: h(m.destinationOutageSeconds),
      destinationDroppedGops: c(m.destinationDroppedGops),
    },
    usage: { reports: c(m.usageReports), exchanges: c(m.usageExchanges) },
    webhooks: {
      events: c(m.webhookEvents),
      unsaved: c(m.webhookUnsaved),
      attempts: c(m.webhookAttempts),
      attemptSeconds: h(m.webhookAttemptSeconds),
      delaySeconds: h(m.webhookDelaySeconds),
      waiting: g(m.webhookWaiting),
      givenUp: c(m.webhookGivenUp),
    },
    recording: {
      storedSegments: c(m.storedSegments),
      storeFailures: c(m.storeFailures),
      recordings: c(m.recordings),
      transcodes: c(m.transcodes),
    },
    directory: {
      up: g(m.directoryUp),
      held: g(m.directoryHeld),
      lost: c(m.directoryLost),
      reannounced: c(m.directoryReannounced),
      failures: c(m.directoryFailures),
      roundSeconds: h(m.directoryRoundSeconds),
    },
    podCosts: { patches: c(m.podCostPatches), waiting: g(m.podCostWaiting) },
  };
}
