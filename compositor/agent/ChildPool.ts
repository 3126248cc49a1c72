import type { Logger } from '../../src/common/logger.ts';
import { CHILD_STATES, type ChildLimits, CompositorChild } from './CompositorChild.ts';
import { type ChildPlace, childEnvironment } from './childProtocol.ts';
import type { AgentMetrics } from './metrics.ts';

/** When a warm child dies before anything was asked of it, the next one is spawned after this, doubled each time, ms. */
const RESPAWN_MS = 250;
const RESPAWN_MAX_MS = 30_000;
/** Sums of slots are sums of fractions. */
const SLOT_EPSILON = 1e-6;

export interface ChildPoolOptions extends ChildPlace {
  entry: string;
  /** Processes in use at the same time. */
  maxChildren: number;
  /** What the broadcasts of the processes in use may cost together (src/directory/placement/cost.ts). */
  slots: number;
  /** Processes kept ready, within maxChildren. */
  warmChildren: number;
  limits: ChildLimits;
  logger: Logger;
  metrics: AgentMetrics;
  /** A child has come, gone, or is in another state. */
  onCount: () => void;
}

/** Every compositor process of an agent: the warm ones that wait for a broadcast, and those in use. */
export class ChildPool {
  readonly #options: ChildPoolOptions;
  readonly #children = new Set<CompositorChild>();
  /** Spawned ahead: warm, or about to be. */
  readonly #waiting = new Set<CompositorChild>();
  /**
   * Taken, and not at work yet. The pool is filled when there are none: loading the next process's libraries takes about
   * half a second of a core, which on a small machine would make the one that is waited for late.
   */
  readonly #starting = new Set<CompositorChild>();
  /** What the broadcast of each child in use costs. */
  readonly #slots = new Map<CompositorChild, number>();
  #fails = 0;
  #respawn: NodeJS.Timeout | undefined;
  #state: 'open' | 'draining' | 'closed' = 'open';
  #emptied: (() => void) | undefined;

  constructor(options: ChildPoolOptions) {
    this.#options = options;
    this.#fill();
  }

  /** Children in use, those still ending included. */
  get used(): number {
    return this.#children.size - this.#waiting.size;
  }

  /** Slots in use, those of children that are still ending included. What has grown may be more than there are. */
  get usedSlots(): number {
    return [...this.#slots.values()].reduce((sum, slots) => sum + slots, 0);
  }

  /**
   * A child for one broadcast that costs so many slots: a warm one, else one on its way, else a new one; undefined when all are in use, or too few
   * slots are left. One that is too large for the whole agent gets it when it is empty.
   */
  take(slots: number): CompositorChild | undefined {
    if (this.#state !== 'open' || this.used >= this.#options.maxChildren) return undefined;
    if (this.used > 0 && this.usedSlots + slots > this.#options.slots + SLOT_EPSILON) return undefined;
    const waiting = [...this.#waiting];
    const child = waiting.find((c) => c.state === 'warm') ?? waiting[0] ?? this.#spawn();
    this.#waiting.delete(child);
    this.#starting.add(child);
    this.#slots.set(child, slots);
    this.#options.onCount();
    return child;
  }

  /** What the child's broadcast costs; 0: it has none. */
  slotsOf(child: CompositorChild): number {
    return this.#slots.get(child) ?? 0;
  }

  /** The child's broadcast costs so many slots now. */
  resize(child: CompositorChild, slots: number): void {
    if (!this.#slots.has(child) || this.#slots.get(child) === slots) return;
    this.#slots.set(child, slots);
    this.#options.onCount();
  }

  /** No new children; those that wait are ended. */
  drain(): void {
    if (this.#state !== 'open') return;
    this.#state = 'draining';
    clearTimeout(this.#respawn);
    for (const child of this.#waiting) child.kill('stopped');
  }

  /** Stops all children; resolves when no process is left. Bounded by the children's own limits. */
  async close(): Promise<void> {
    this.drain();
    this.#state = 'closed';
    for (const child of this.#children) child.stop('stopped');
    await this.emptied();
  }

  /** Resolves when no process is left. */
  emptied(): Promise<void> {
    if (this.#children.size === 0) return Promise.resolve();
    return new Promise<void>((resolve) => {
      const before = this.#emptied;
      this.#emptied = () => {
        before?.();
        resolve();
      };
    });
  }

  #fill(): void {
    const { maxChildren, warmChildren, slots } = this.#options;
    if (this.#state !== 'open' || this.#respawn || this.#starting.size > 0) return;
    // Nothing is kept ready for what there is no room for.
    const places = this.usedSlots < slots ? maxChildren - this.used : 0;
    while (this.#waiting.size < Math.min(warmChildren, places)) this.#waiting.add(this.#spawn());
  }

  #spawn(): CompositorChild {
    const { entry, limits, logger, metrics } = this.#options;
    const spawnedAt = performance.now();
    const child = CompositorChild.spawn({ entry, limits, logger, env: childEnvironment(process.env, this.#options) });
    this.#children.add(child);
    child.on('state', (state) => {
      if (state === 'warm') {
        this.#fails = 0;
        metrics.warmSeconds.observe((performance.now() - spawnedAt) / 1000);
      }
      if (state === 'running') this.#started(child);
      this.#count();
    });
    child.once('ended', (end) => {
      metrics.ends.inc({ reason: end.reason });
      const wasWaiting = this.#waiting.delete(child);
      this.#children.delete(child);
      this.#slots.delete(child);
      this.#started(child);
      if (wasWaiting && this.#state === 'open') {
        logger.warn(
          { pid: child.pid, reason: end.reason, message: end.message, stderr: end.stderr },
          'warm compositor died',
        );
        this.#fillLater();
      }
      this.#count();
      this.#fill();
      if (this.#children.size === 0) this.#emptied?.();
    });
    this.#count();
    return child;
  }

  #started(child: CompositorChild): void {
    if (this.#starting.delete(child)) this.#fill();
  }

  /** A program that can not even start must not be started in a tight loop. */
  #fillLater(): void {
    clearTimeout(this.#respawn);
    const wait = Math.min(RESPAWN_MS * 2 ** this.#fails, RESPAWN_MAX_MS);
    this.#fails += 1;
    this.#respawn = setTimeout(() => {
      this.#respawn = undefined;
      this.#fill();
    }, wait);
  }

  #count(): void {
    const states = [...this.#children].map((child) => child.state);
    for (const state of CHILD_STATES) {
      this.#options.metrics.children.set({ state }, states.filter((s) => s === state).length);
    }
    this.#options.onCount();
  }
}
