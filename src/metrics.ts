/** Every metric of the server, in one table; the README's is compared with it by a test. Labels come from closed sets only. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { AgentMetrics } from '../compositor/agent/metrics.ts';
import type { BroadcastMetrics } from './broadcast/metrics.ts';
import { CHAT_METRICS, type ChatMetrics } from './chat/metrics.ts';
import { receiveDrops } from './common/udpBuffers.ts';
import type { DeliveryMetrics } from './delivery/metrics.ts';
import { RECORDING_METRICS, type RecordingMetrics } from './delivery/recording/metrics.ts';
import { VIEWER_METRICS } from './delivery/viewers/metrics.ts';
import { DIRECTORY_METRICS, type DirectoryMetrics } from './directory/metrics.ts';
import type { PodCostMetrics } from './kubernetes/metrics.ts';
import {
  counter,
  type Definition,
  FRAME_BUCKETS,
  gauge,
  histogram,
  OUTAGE_BUCKETS,
  PART_BUCKETS,
  START_BUCKETS,
  WAIT_BUCKETS,
} from './metricDefinition.ts';
import { HEALTH_METRICS } from './rooms/health/metrics.ts';
import type { RoomMetrics } from './rooms/metrics.ts';
import { SFU_METRICS, type SfuMetrics } from './sfu/metrics.ts';
import type { SignalingMetrics } from './signaling/metrics.ts';
import type { UsageMetrics } from './usage/metrics.ts';
import type { WebhookMetrics } from './webhooks/metrics.ts';

export const METRICS = {
  ...SFU_METRICS,
  udpDrops: counter(
    'lianmai_udp_receive_drops_total',
    'UDP packets that this pod or machine lost because their buffers were full, since its network is there (Linux).',
  ),
  rooms: gauge('lianmai_rooms', 'Rooms.'),
  peers: gauge('lianmai_peers', 'People who are connected or away.', ['role']),
  seats: gauge('lianmai_seats_taken', 'People with a seat.'),
  rebuilds: counter('lianmai_room_rebuilds_total', 'Routers replaced because a mediasoup worker died.'),
  sockets: gauge('lianmai_signaling_sockets', 'Signalling connections.'),
  socketsRefused: counter('lianmai_signaling_refused_total', 'Signalling connections not let in, by error code.', [
    'code',
  ]),
  events: counter('lianmai_signaling_events_total', 'Signalling events; the outcome is `ok` or an error code.', [
    'event',
    'outcome',
  ]),
  ...HEALTH_METRICS,
  ...CHAT_METRICS,
  broadcasts: gauge('lianmai_broadcasts', 'Broadcasts that have not ended, by state.', ['state']),
  demand: gauge(
    'lianmai_compositor_demand',
    'Compositor slots that the broadcasts of this SFU node want, those that wait for room, recover or are handed over included; their sum sizes the fleet.',
  ),
  pending: gauge(
    'lianmai_pending_broadcasts',
    'Broadcasts that wait for a compositor, by kind (`start`, or `handover`: they run, or did, and are seen) and reason (`no-capacity`, `tenant-limit`, `incompatible`).',
    ['kind', 'reason'],
  ),
  waitSeconds: histogram(
    'lianmai_pending_seconds',
    'How long broadcasts that had to wait for a compositor have waited.',
    WAIT_BUCKETS,
  ),
  broadcastsEnded: counter('lianmai_broadcasts_ended_total', 'Broadcasts that ended, by reason.', ['reason']),
  startSeconds: histogram(
    'lianmai_broadcast_start_seconds',
    'From the wish to go live to `live`, without the time in which there was no compositor to be had.',
    START_BUCKETS,
  ),
  resumed: counter('lianmai_broadcasts_resumed_total', 'Broadcasts of a killed process that were gone on with.', []),
  restarts: counter('lianmai_compositor_restarts_total', 'Compositors that had to be replaced, by reason.', ['reason']),
  recoverySeconds: histogram(
    'lianmai_broadcast_recovery_seconds',
    'From losing a compositor to `live` again.',
    START_BUCKETS,
  ),
  handoffs: counter(
    'lianmai_handoffs_total',
    'Attempts to hand a broadcast over to another compositor, by reason (`drain`, `request`, `rebalance`) and outcome: `done`, `rescued` (the compositor before was lost meanwhile), `no-place`, `failed` (the next one was lost), `abandoned` (the broadcast ended, or both were lost).',
    ['reason', 'outcome'],
  ),
  handoffSeconds: histogram(
    'lianmai_handoff_seconds',
    'From the search for another compositor to the end of the one before.',
    START_BUCKETS,
  ),
  lostFrames: counter(
    'lianmai_lost_frames_total',
    'Frames of programs that never came to delivery, known when the program is back.',
  ),
  jobs: counter('lianmai_jobs_total', 'Jobs sent to compositors.'),
  keyframes: counter('lianmai_compositor_keyframe_wishes_total', 'Key frames that compositors asked for.'),
  fps: histogram(
    'lianmai_compositor_fps',
    'Frames composed a second; one observation a second and broadcast.',
    [1, 5, 10, 15, 20, 24, 25, 28, 29, 30, 31, 48, 50, 58, 60, 62],
  ),
  frames: counter('lianmai_compositor_frames_total', 'Frames composed.'),
  lateFrames: counter(
    'lianmai_compositor_late_frames_total',
    'Frames composed more than a frame period after their time on the grid.',
  ),
  repeatedFrames: counter(
    'lianmai_compositor_repeated_frames_total',
    'Frames encoded from the last picture because composing had no time left.',
  ),
  degradation: gauge('lianmai_compositor_degradation', 'Broadcasts that give way to CPU pressure, by how far.', [
    'step',
  ]),
  degradations: counter(
    'lianmai_compositor_degradations_total',
    'Changes of how far a broadcast gives way to CPU pressure, by the new step; `none` is back to normal.',
    ['step'],
  ),
  composeSeconds: histogram(
    'lianmai_compositor_compose_seconds',
    'Composing a frame; p95 of a second, one observation a second and broadcast.',
    FRAME_BUCKETS,
  ),
  encodeSeconds: histogram(
    'lianmai_compositor_encode_seconds',
    'Encoding a frame; p95 of a second, one observation a second and broadcast.',
    FRAME_BUCKETS,
  ),
  partLatencySeconds: histogram(
    'lianmai_part_latency_seconds',
    "From a part's end on the grid to delivery's answer; p95 of a second.",
    PART_BUCKETS,
  ),
  clockErrorSeconds: histogram(
    'lianmai_compositor_clock_error_seconds',
    "How far a compositor's program clock may be off.",
    [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05],
  ),
  children: gauge('lianmai_compositor_children', 'Compositor processes, by state.', ['state']),
  slots: gauge(
    'lianmai_compositor_slots',
    'Slots of a compositor agent, by kind: `offered`, and `used` by its broadcasts. A slot is 0.75 of a core.',
    ['kind'],
  ),
  childEnds: counter('lianmai_compositor_ends_total', 'Compositor processes that ended, by reason.', ['reason']),
  agentDraining: gauge(
    'lianmai_compositor_draining',
    '1: the compositor agent takes no new broadcasts, hands over what it has, and ends.',
  ),
  controlRefused: counter('lianmai_control_refused_total', 'Control connections that got no compositor.', ['code']),
  warmSeconds: histogram(
    'lianmai_compositor_warm_seconds',
    'From spawning a compositor process to its being warm.',
    START_BUCKETS,
  ),
  boundSeconds: histogram('lianmai_compositor_bound_seconds', 'From `open` to `bound`.', START_BUCKETS),
  parts: counter('lianmai_delivery_parts_total', 'Parts taken in.', ['kind']),
  partBytes: counter('lianmai_delivery_part_bytes_total', 'Bytes of parts taken in.', ['kind']),
  partArrivalSeconds: histogram(
    'lianmai_delivery_part_latency_seconds',
    "From a part's end on the grid to its arrival.",
    PART_BUCKETS,
    ['kind'],
  ),
  putsRefused: counter('lianmai_delivery_puts_refused_total', 'Refused PUTs of compositors, by error code.', ['code']),
  lateParts: counter('lianmai_delivery_late_parts_total', 'Parts that were not there one part after their time.'),
  gaps: counter('lianmai_delivery_gaps_total', 'Segments lost for good.'),
  slateSegments: counter(
    'lianmai_delivery_slate_segments_total',
    'Segments of slate in place of a program that does not come.',
  ),
  programs: gauge('lianmai_delivery_broadcasts', 'Broadcasts that this node holds, by state.', ['state']),
  hlsRequests: counter('lianmai_hls_requests_total', 'Playback requests.', ['kind', 'status']),
  hlsBytes: counter('lianmai_hls_bytes_total', 'Bytes of playback answers.', ['kind']),
  hlsWaiting: gauge('lianmai_hls_waiting', 'Playback requests that wait for a part.'),
  ...VIEWER_METRICS,
  edgeRequests: counter(
    'lianmai_edge_requests_total',
    'Playback requests for broadcasts of another delivery node: kept, shared with one on its way, or asked of the owner.',
    ['result'],
  ),
  edgeFailures: counter('lianmai_edge_failures_total', 'Requests to owners of broadcasts that got no answer.'),
  edgeUpstream: gauge('lianmai_edge_upstream', 'Requests to owners of broadcasts that are on their way.'),
  edgeCacheBytes: gauge('lianmai_edge_cache_bytes', 'Bytes of other delivery nodes’ answers that are kept in memory.'),
  destinations: gauge('lianmai_destinations', 'Destinations, by state.', ['state']),
  destinationBytes: counter('lianmai_destination_bytes_total', 'Bytes given to destinations.'),
  destinationConnects: counter('lianmai_destination_connects_total', 'Connections to destinations.'),
  destinationFailures: counter(
    'lianmai_destination_failures_total',
    'Connections to destinations that failed, by reason.',
    ['reason'],
  ),
  destinationOutageSeconds: histogram(
    'lianmai_destination_outage_seconds',
    'From losing a destination to `live` again.',
    OUTAGE_BUCKETS,
  ),
  destinationDroppedGops: counter(
    'lianmai_destination_dropped_gops_total',
    'Whole GOPs dropped because a destination was too slow.',
  ),
  usageReports: counter(
    'lianmai_usage_reports_total',
    "Reports of usage to the node's own ledger, by what became of it.",
    ['result'],
  ),
  usageExchanges: counter(
    'lianmai_usage_exchanges_total',
    'Exchanges of usage with a delivery node, by what became of it.',
    ['result'],
  ),
  webhookEvents: counter('lianmai_webhook_events_total', 'Events that were for at least one webhook.', ['type']),
  webhookUnsaved: counter(
    'lianmai_webhook_unsaved_events_total',
    'Events that could not be written (disk full) and are sent from memory.',
  ),
  webhookAttempts: counter(
    'lianmai_webhook_attempts_total',
    'Requests to webhooks: `accepted`, `refused` (a status that is not 2xx), `redirected`, `timeout`, `unreachable`, `forbidden` (not a public address).',
    ['outcome'],
  ),
  webhookAttemptSeconds: histogram(
    'lianmai_webhook_attempt_seconds',
    'From a request to its answer.',
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  ),
  webhookDelaySeconds: histogram(
    'lianmai_webhook_delay_seconds',
    'From an event to its acceptance.',
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600, 3600, 21_600, 86_400],
  ),
  webhookWaiting: gauge('lianmai_webhook_waiting', 'Events that a webhook has not accepted yet.'),
  webhookGivenUp: counter(
    'lianmai_webhook_given_up_total',
    'Events that were given up: `expired` after a day, `full` when too many waited.',
    ['reason'],
  ),
  ...RECORDING_METRICS,
  ...DIRECTORY_METRICS,
  podCostPatches: counter('lianmai_pod_cost_patches_total', 'Deletion costs written to pods, by outcome.', ['outcome']),
  podCostWaiting: gauge('lianmai_pod_cost_waiting', 'Pods whose deletion cost is not written yet.'),
} as const satisfies Record<string, Definition>;

export interface Metrics {
  registry: Registry;
  sfu: SfuMetrics;
  rooms: RoomMetrics;
  signaling: SignalingMetrics;
  chat: ChatMetrics;
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
  const registers = [registry];
  const shape = ({ name, help, labels }: Definition) => ({ name, help, labelNames: [...labels], registers });
  const g = (definition: Definition) => new Gauge(shape(definition));
  const c = (definition: Definition) => new Counter(shape(definition));
  const h = (definition: Definition) =>
    new Histogram({ ...shape(definition), buckets: [...(definition.buckets ?? [])] });
  const m = METRICS;
  new Counter({
    ...shape(m.udpDrops),
    collect() {
      this.reset();
      this.inc(receiveDrops() ?? 0);
    },
  });
  return {
    registry,
    sfu: {
      workers: g(m.workers),
      workerDeaths: c(m.workerDeaths),
      routers: g(m.routers),
      transports: g(m.transports),
      producers: g(m.producers),
      consumers: g(m.consumers),
      networkTests: c(m.networkTests),
    },
    rooms: {
      ...{ rooms: g(m.rooms), peers: g(m.peers), seats: g(m.seats), rebuilds: c(m.rebuilds) },
      health: {
        ...{ loss: h(m.uploadLoss), rttSeconds: h(m.uploadRtt), bitrate: h(m.uploadBitrate) },
        ...{ findings: g(m.findings), raised: c(m.findingsRaised) },
      },
    },
    signaling: { sockets: g(m.sockets), refused: c(m.socketsRefused), events: c(m.events) },
    chat: {
      sockets: g(m.chatSockets),
      refused: c(m.chatRefused),
      events: c(m.chatEvents),
      batches: c(m.chatBatches),
      storeFailures: c(m.chatStoreFailures),
    },
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
      viewers: {
        beacons: c(m.viewerBeacons),
        latencySeconds: h(m.viewerLatency),
        firstFrameSeconds: h(m.viewerFirstFrame),
        stalls: c(m.viewerStalls),
        stalledRatio: h(m.viewerStalledRatio),
      },
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
