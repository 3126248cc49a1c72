/**
 * Nodes and the pods on them: a pod needs a node with room; while there is none the node pool grows (as cluster-autoscaler does it). In: how many pods
 * are wanted, which are to go. Out: pods that have become ready, and the seconds that pods and nodes were there; next: Fleet.ts.
 */
import type { EventQueue } from './EventQueue.ts';

export interface ClusterSettings {
  /** From a pod's place on a node to ready, s. */
  podStartS: number;
  /** From a node's request to ready, s. */
  nodeStartS: number;
  podsPerNode: number;
  /** cluster-autoscaler's `--scan-interval`, s. */
  nodeScanS: number;
  /** Its `--scale-down-unneeded-time`: a node that is not needed for so long is removed, s. */
  nodeUnneededS: number;
}

export interface Pod {
  url: string;
  state: 'waiting' | 'starting' | 'ready' | 'draining' | 'gone';
  requestedS: number;
  node: Node | undefined;
}
export interface Node {
  pods: Set<Pod>;
  readyS: number;
  requestedS: number;
  /** Since when it is empty or could be; undefined: it is needed. */
  unneededS: number | undefined;
}

/** cluster-autoscaler's `--scale-down-utilization-threshold`: a node that is used less may be emptied. */
const UNNEEDED_SHARE = 0.5;

interface ClusterEvents {
  ready: (pod: Pod) => void;
  /** Its node goes: it gets SIGTERM, and the workload gets another pod for it. */
  evicted: (pod: Pod) => void;
}

export class Cluster {
  /** All that are not gone, the draining ones too. */
  readonly pods = new Set<Pod>();
  readonly nodes = new Set<Node>();
  podSeconds = 0;
  nodeSeconds = 0;
  podStarts = 0;
  evictions = 0;
  readonly #settings: ClusterSettings;
  readonly #events: EventQueue;
  readonly #told: ClusterEvents;
  #count = 0;

  constructor(settings: ClusterSettings, events: EventQueue, told: ClusterEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#told = told;
  }

  /** Pods that count as replicas: without those that are being removed. */
  get replicas(): Pod[] {
    return [...this.pods].filter(({ state }) => state !== 'draining');
  }

  /** Pods on nodes, ready, as they are when the day begins. */
  begin(count: number): Pod[] {
    const nodes = Math.ceil(count / this.#settings.podsPerNode);
    for (let i = 0; i < nodes; i++) this.#newNode().readyS = this.#events.nowS;
    return Array.from({ length: count }, () => {
      const pod = this.#newPod();
      this.#bind(pod);
      pod.state = 'ready';
      return pod;
    });
  }

  request(count: number): void {
    for (let i = 0; i < count; i++) {
      this.podStarts++;
      this.#schedule(this.#newPod());
    }
  }

  /** Releases it at once. */
  remove(pod: Pod): void {
    if (pod.state === 'gone') return;
    pod.state = 'gone';
    this.pods.delete(pod);
    this.podSeconds += this.#events.nowS - Math.max(0, pod.requestedS);
    const { node } = pod;
    node?.pods.delete(pod);
    for (const waiting of this.pods) {
      if (!node?.pods || waiting.state !== 'waiting') continue;
      this.#schedule(waiting);
      break;
    }
  }

  /** The autoscaler of nodes looks around. */
  scan(): void {
    const nowS = this.#events.nowS;
    const waiting = [...this.pods].filter(({ state }) => state === 'waiting').length;
    const coming = [...this.nodes].filter(({ readyS }) => readyS > nowS).length * this.#settings.podsPerNode;
    for (let missing = waiting - coming; missing > 0; missing -= this.#settings.podsPerNode) {
      const node = this.#newNode();
      this.#events.at(node.readyS, () => this.#scheduleWaiting());
    }
    if (waiting === 0) this.#removeUnneeded();
  }

  /** Pods and nodes that are still there are paid until now. */
  settle(): void {
    const nowS = this.#events.nowS;
    for (const { requestedS } of this.pods) this.podSeconds += nowS - Math.max(0, requestedS);
    for (const { requestedS } of this.nodes) this.nodeSeconds += nowS - Math.max(0, requestedS);
  }

  #newPod(): Pod {
    const url = `pod-${String(this.#count++).padStart(6, '0')}`;
    const pod: Pod = { url, state: 'waiting', requestedS: this.#events.nowS, node: undefined };
    this.pods.add(pod);
    return pod;
  }

  #newNode(): Node {
    const nowS = this.#events.nowS;
    const readyS = nowS + this.#settings.nodeStartS;
    const node: Node = { pods: new Set(), readyS, requestedS: nowS, unneededS: undefined };
    this.nodes.add(node);
    return node;
  }

  /** Onto the fullest node that has room, so that others become empty (kube-scheduler's `MostAllocated`). */
  #bind(pod: Pod): boolean {
    let best: Node | undefined;
    for (const node of this.nodes) {
      if (node.readyS > this.#events.nowS || node.pods.size >= this.#settings.podsPerNode) continue;
      if (!best || node.pods.size > best.pods.size) best = node;
    }
    if (!best) return false;
    best.pods.add(pod);
    best.unneededS = undefined;
    pod.node = best;
    return true;
  }

  #schedule(pod: Pod): boolean {
    if (!this.#bind(pod)) return false;
    pod.state = 'starting';
    this.#events.after(this.#settings.podStartS, () => {
      if (pod.state !== 'starting') return;
      pod.state = 'ready';
      this.#told.ready(pod);
    });
    return true;
  }

  #scheduleWaiting(): void {
    for (const pod of this.pods) if (pod.state === 'waiting' && !this.#schedule(pod)) return;
  }

  /** Empty nodes go; of the others that are little used, one at a time, when its pods have room on the rest. */
  #removeUnneeded(): void {
    const nowS = this.#events.nowS;
    const { podsPerNode, nodeUnneededS } = this.#settings;
    const ready = [...this.nodes].filter(({ readyS }) => readyS <= nowS);
    const free = ready.reduce((sum, { pods }) => sum + podsPerNode - pods.size, 0);
    let emptied = false;
    for (const node of ready) {
      const elsewhere = free - (podsPerNode - node.pods.size);
      const needed = node.pods.size >= UNNEEDED_SHARE * podsPerNode || elsewhere < node.pods.size;
      if (node.pods.size > 0 && needed) node.unneededS = undefined;
      else node.unneededS ??= nowS;
      if (nowS - (node.unneededS ?? nowS) < nodeUnneededS) continue;
      const pods = [...node.pods];
      if (pods.some(({ state }) => state === 'draining') || (pods.length > 0 && emptied)) continue;
      if (pods.length > 0) emptied = true;
      this.#removeNode(node, pods);
    }
  }

  /** It takes nothing new from now on, and is gone when its pods have handed over. */
  #removeNode(node: Node, pods: readonly Pod[]): void {
    this.nodes.delete(node);
    const nowS = this.#events.nowS;
    this.nodeSeconds += nowS - Math.max(0, node.requestedS);
    for (const pod of pods) {
      this.evictions++;
      this.#told.evicted(pod);
    }
  }
}
