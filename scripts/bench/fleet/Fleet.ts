/**
 * Agents with rooms on them, served by the real placement policy: starts, the pending queue, warm handovers, drains. In: rooms that start and pods that
 * become ready or are to go. Out: who waited how long, who was cut, when a drained pod can be released; next: simulate.ts.
 */

import { SLOT_EPSILON } from '../../../src/directory/placement/views.ts';
import {
  chooseAgent,
  deletionCosts,
  makeRoom,
  NO_LIMITS,
  type Running,
  type Strategy,
  serveQueue,
  type Waiting,
} from '../../../src/directory/placement.ts';
import type { Pod } from './Cluster.ts';
import type { Room } from './day.ts';
import type { EventQueue } from './EventQueue.ts';

export interface FleetSettings {
  slotsPerPod: number;
  strategy: Strategy;
  /** One warm handover: a shadow warms up, delivery takes over at a segment's boundary, s. */
  handoffS: number;
  /** Rooms that one agent hands over at the same time. */
  handoffsAtOnce: number;
  /** From SIGTERM until a room without a place is cut, s. */
  drainLimitS: number;
  /** Big rooms that find no hole get one by moves of small ones. */
  moves: boolean;
}

const PROTOCOL = 1;
const VERSION = '1.0.0';
/** The queue is served when something has changed, but not more often, s. */
const SERVE_S = 1;

interface Live {
  room: Room;
  agent: Agent | undefined;
  /** Where it is being handed over to. */
  target: Agent | undefined;
  started: boolean;
  ended: boolean;
}
interface Agent {
  pod: Pod;
  url: string;
  slots: number;
  used: number;
  draining: boolean;
  version: string;
  protocol: number;
  /** Since when it drains. */
  drainsSinceS: number;
  rooms: Set<Live>;
  running: readonly Running[];
}

interface FleetEvents {
  /** Nothing is left on a draining pod. */
  drained: (pod: Pod) => void;
}

export class Fleet {
  /** Slots wanted by all that is live or waits: the autoscaler's metric. */
  demand = 0;
  /** Waits of the starts, s. */
  readonly pendingS: { atS: number; seconds: number }[] = [];
  cut = 0;
  handoffs = 0;
  moved = 0;
  drains = 0;
  longestDrainS = 0;
  rooms = 0;
  readonly #settings: FleetSettings;
  readonly #events: EventQueue;
  readonly #told: FleetEvents;
  readonly #agents = new Map<string, Agent>();
  /** The same, as the policy wants them. */
  #list: readonly Agent[] = [];
  readonly #waiting = new Map<string, { live: Live; wish: Waiting }>();
  #reservations: ReadonlyMap<string, string> = new Map();
  #costs: ReadonlyMap<string, number> = new Map();
  #serving = false;

  constructor(settings: FleetSettings, events: EventQueue, told: FleetEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#told = told;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  /** A room wants a compositor from now on, until its end. */
  start(room: Room): void {
    const live: Live = { room, agent: undefined, target: undefined, started: false, ended: false };
    this.demand += room.slots;
    this.rooms++;
    this.#want(live, 'start');
  }

  ready(pod: Pod): void {
    const agent: Agent = {
      pod,
      url: pod.url,
      slots: this.#settings.slotsPerPod,
      used: 0,
      draining: false,
      version: VERSION,
      protocol: PROTOCOL,
      drainsSinceS: 0,
      rooms: new Set(),
      get running() {
        return [...this.rooms].filter(({ target }) => !target).map(({ room }) => room);
      },
    };
    this.#agents.set(pod.url, agent);
    this.#list = [...this.#agents.values()];
    this.#serveSoon();
  }

  /** What the annotations say, until the next time. */
  annotate(): void {
    this.#costs = deletionCosts(this.#list);
  }

  /** As the ReplicaSet controller chooses: what is not ready first, then the lowest cost, then the younger. */
  deletionOrder(pods: readonly Pod[]): Pod[] {
    const stage = { waiting: 0, starting: 1, ready: 2, draining: 3, gone: 4 };
    return pods.toSorted(
      (a, b) =>
        stage[a.state] - stage[b.state] ||
        (this.#costs.get(a.url) ?? 0) - (this.#costs.get(b.url) ?? 0) ||
        b.requestedS - a.requestedS,
    );
  }

  /** SIGTERM: no new work, every room is handed over, within the limit. */
  drain(pod: Pod): void {
    const agent = this.#agents.get(pod.url);
    if (!agent || agent.draining) return;
    agent.draining = true;
    pod.state = 'draining';
    this.drains++;
    agent.drainsSinceS = this.#events.nowS;
    this.#events.after(this.#settings.drainLimitS, () => this.#cutOff(agent));
    this.#handOver(agent);
    this.#endIfEmpty(agent);
  }

  /** Rooms of the drained agent, some at a time, get into the queue. */
  #handOver(agent: Agent): void {
    const busy = [...agent.rooms].filter(({ target, room }) => target || this.#waiting.has(room.id)).length;
    const next = [...agent.rooms].filter(({ target, room }) => !target && !this.#waiting.has(room.id));
    for (const live of next.slice(0, Math.max(0, this.#settings.handoffsAtOnce - busy))) this.#want(live, 'handover');
  }

  /** The limit is over: what has no place yet shows a slate, and stays at the head of the queue. */
  #cutOff(agent: Agent): void {
    for (const live of agent.rooms) {
      this.cut++;
      live.agent = undefined;
      if (!live.target) this.#want(live, 'handover');
    }
    agent.rooms.clear();
    this.#endIfEmpty(agent);
  }

  #endIfEmpty(agent: Agent): void {
    if (!agent.draining || agent.rooms.size > 0 || !this.#agents.delete(agent.url)) return;
    this.longestDrainS = Math.max(this.longestDrainS, this.#events.nowS - agent.drainsSinceS);
    this.#list = [...this.#agents.values()];
    this.#told.drained(agent.pod);
  }

  #want(live: Live, kind: Waiting['kind']): void {
    const { id, slots } = live.room;
    const wish: Waiting = {
      ...{ id, slots, kind, tenant: 'all', priority: 0, protocol: PROTOCOL },
      sinceMs: this.#events.nowS * 1000,
    };
    if (this.#waiting.size === 0) {
      const agent = chooseAgent(this.#list, wish, this.#settings.strategy);
      if (agent) {
        this.#place(live, agent, this.#events.nowS);
        return;
      }
    }
    if (this.#waiting.has(id)) return;
    this.#waiting.set(id, { live, wish });
    this.#serveSoon();
  }

  #place(live: Live, agent: Agent, sinceS: number): void {
    const { room } = live;
    agent.used += room.slots;
    if (live.agent) {
      this.#move(live, agent);
      return;
    }
    agent.rooms.add(live);
    live.agent = agent;
    if (live.started) return;
    live.started = true;
    const { nowS } = this.#events;
    if (room.startS >= 0) this.pendingS.push({ atS: sinceS, seconds: nowS - sinceS });
    // A room that was there when the day began ends when it would have.
    this.#events.at(Math.max(nowS, room.startS < 0 ? room.startS + room.lengthS : nowS + room.lengthS), () =>
      this.#end(live),
    );
  }

  /** A warm handover: both compositors run until delivery has taken over. */
  #move(live: Live, target: Agent): void {
    const from = live.agent;
    live.target = target;
    target.rooms.add(live);
    this.handoffs++;
    this.#events.after(this.#settings.handoffS, () => {
      live.target = undefined;
      if (live.ended) return;
      live.agent = target;
      if (from) this.#leave(live, from);
    });
  }

  #leave(live: Live, agent: Agent): void {
    if (!agent.rooms.delete(live)) return;
    agent.used = agent.rooms.size === 0 ? 0 : agent.used - live.room.slots;
    if (agent.draining) {
      this.#handOver(agent);
      this.#endIfEmpty(agent);
    }
    if (this.#waiting.size > 0) this.#serveSoon();
  }

  #end(live: Live): void {
    live.ended = true;
    this.demand -= live.room.slots;
    this.rooms--;
    this.#waiting.delete(live.room.id);
    for (const agent of [live.agent, live.target]) if (agent) this.#leave(live, agent);
  }

  #serveSoon(): void {
    if (this.#serving) return;
    this.#serving = true;
    this.#events.after(SERVE_S, () => {
      this.#serving = false;
      if (this.#waiting.size > 0) this.#serve();
    });
  }

  #serve(): void {
    const agents = this.#list;
    const result = serveQueue({
      agents,
      waiting: [...this.#waiting.values()].map(({ wish }) => wish),
      tenants: NO_LIMITS,
      strategy: this.#settings.strategy,
      nowMs: this.#events.nowS * 1000,
      reservations: this.#reservations,
    });
    this.#reservations = result.reservations;
    for (const { id, agent: url } of result.placed) {
      const [entry, agent] = [this.#waiting.get(id), this.#agents.get(url)];
      if (!entry || !agent) throw new Error(`placement gave ${id} the agent ${url}, which is not there`);
      if (agent.draining || agent.used + entry.wish.slots > agent.slots + SLOT_EPSILON)
        throw new Error(`placement gave ${id} the agent ${url}, which has no room`);
      this.#waiting.delete(id);
      this.#place(entry.live, agent, entry.wish.sinceMs / 1000);
    }
    if (this.#settings.moves) this.#makeRoom(agents);
  }

  /** For the one with a reservation, when no move for its sake is under way. */
  #makeRoom(agents: readonly Agent[]): void {
    for (const [id, url] of this.#reservations) {
      const [entry, reserved] = [this.#waiting.get(id), this.#agents.get(url)];
      if (!entry || !reserved || [...reserved.rooms].some(({ target }) => target && target !== reserved)) continue;
      for (const move of makeRoom(agents, entry.wish, url) ?? []) {
        const live = [...reserved.rooms].find(({ room }) => room.id === move.id);
        const target = this.#agents.get(move.to);
        if (!live || !target) continue;
        this.moved++;
        target.used += live.room.slots;
        this.#move(live, target);
      }
    }
  }
}
