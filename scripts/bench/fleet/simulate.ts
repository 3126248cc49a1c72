/**
 * A day of the fleet, event by event: rooms come and go (day.ts), the policy places them (Fleet.ts), the HPA scales (Hpa.ts), pods and nodes start
 * and go (Cluster.ts). Out: what happened, for report.ts. The same settings give the same day.
 */
import { Cluster, type ClusterSettings } from './Cluster.ts';
import { DAY_S, type Room } from './day.ts';
import { EventQueue } from './EventQueue.ts';
import { Fleet, type FleetSettings } from './Fleet.ts';
import { HPA_SYNC_SECONDS, Hpa, type HpaSettings } from './Hpa.ts';

export interface SimulationSettings extends FleetSettings, ClusterSettings {
  hpa: HpaSettings;
  /** How old the metric may be: scrape interval and adapter, s. */
  metricS: number;
}

/** `pod-deletion-cost` is written this often, s. */
const ANNOTATE_S = 10;
/** For the plot, s. */
const SAMPLE_S = 60;

export interface Sample {
  atS: number;
  demand: number;
  rooms: number;
  pods: number;
  ready: number;
  nodes: number;
  pending: number;
}
export interface DayResult {
  samples: Sample[];
  pendingS: { atS: number; seconds: number }[];
  neverStarted: number;
  cut: number;
  handoffs: number;
  moved: number;
  drains: number;
  longestDrainS: number;
  podStarts: number;
  evictions: number;
  podSeconds: number;
  nodeSeconds: number;
  /** Σ ceil(demand / slots of a pod), pod seconds. */
  idealSeconds: number;
  peakDemand: number;
  peakRooms: number;
  events: number;
}

export function simulateDay(rooms: readonly Room[], settings: SimulationSettings): DayResult {
  const events = new EventQueue();
  const { slotsPerPod, hpa: hpaSettings } = settings;
  const cluster: Cluster = new Cluster(settings, events, {
    ready: (pod) => fleet.ready(pod),
    evicted: (pod) => {
      if (pod.state === 'ready') fleet.drain(pod);
      else cluster.remove(pod);
      cluster.request(1);
    },
  });
  const fleet: Fleet = new Fleet(settings, events, { drained: (pod) => cluster.remove(pod) });
  const hpa = new Hpa(hpaSettings, slotsPerPod);
  const meter = new DemandMeter(slotsPerPod);
  const samples: Sample[] = [];
  let metric = 0;

  events.runUntil(0);
  const before = rooms.filter(({ startS }) => startS < 0);
  const demand = before.reduce((sum, { slots }) => sum + slots, 0);
  const pods = Math.ceil(demand / (hpaSettings.targetFill * slotsPerPod));
  for (const pod of cluster.begin(pods)) fleet.ready(pod);
  for (const room of before) fleet.start(room);
  for (const room of rooms) if (room.startS >= 0) events.at(room.startS, () => fleet.start(room));

  events.every(settings.metricS, 0, () => {
    metric = fleet.demand;
  });
  events.every(ANNOTATE_S, 0, () => fleet.annotate());
  // The worst of all phases: the HPA reads just before the next scrape, the pool of nodes has just looked when pods are added.
  events.every(settings.nodeScanS, settings.metricS - 0.2, () => cluster.scan());
  events.every(HPA_SYNC_SECONDS, settings.metricS - 0.1, () => {
    const replicas = cluster.replicas;
    const wanted = hpa.sync(events.nowS, metric, replicas.length);
    if (wanted > replicas.length) cluster.request(wanted - replicas.length);
    if (wanted >= replicas.length) return;
    for (const pod of fleet.deletionOrder(replicas).slice(0, replicas.length - wanted)) {
      if (pod.state === 'ready') fleet.drain(pod);
      else cluster.remove(pod);
    }
  });
  events.every(SAMPLE_S, 0, () => {
    const ready = [...cluster.pods].filter(({ state }) => state === 'ready').length;
    const { demand, rooms, pending } = fleet;
    samples.push({
      ...{ atS: events.nowS, demand, rooms, pending, ready },
      ...{ pods: cluster.pods.size, nodes: cluster.nodes.size },
    });
  });
  events.watch(() => meter.note(events.nowS, fleet.demand, fleet.rooms));
  events.runUntil(DAY_S);
  meter.note(DAY_S, fleet.demand, fleet.rooms);
  cluster.settle();
  const { pendingS, cut, handoffs, moved, drains, longestDrainS } = fleet;
  const { podStarts, evictions, podSeconds, nodeSeconds } = cluster;
  return {
    ...{
      samples,
      pendingS,
      cut,
      handoffs,
      moved,
      drains,
      longestDrainS,
      podStarts,
      evictions,
      podSeconds,
      nodeSeconds,
    },
    neverStarted: fleet.pending,
    ...{ idealSeconds: meter.idealSeconds, peakDemand: meter.peakDemand, peakRooms: meter.peakRooms },
    events: events.count,
  };
}

/** The exact integral of ceil(demand / slots): called after each event. */
class DemandMeter {
  idealSeconds = 0;
  peakDemand = 0;
  peakRooms = 0;
  readonly #slots: number;
  #sinceS = 0;
  #pods = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  note(nowS: number, demand: number, rooms: number): void {
    this.idealSeconds += this.#pods * (nowS - this.#sinceS);
    this.#sinceS = nowS;
    this.#pods = Math.ceil(demand / this.#slots - 1e-9);
    this.peakDemand = Math.max(this.peakDemand, demand);
    this.peakRooms = Math.max(this.peakRooms, rooms);
  }
}
