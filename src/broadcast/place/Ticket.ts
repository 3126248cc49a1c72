import type { WaitReason } from '../../contracts/broadcast.ts';
import { AppError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/ids.ts';
import type { AgentEntry } from '../../directory/Directory.ts';
import type { WishData } from '../../directory/entries.ts';
import type { Lease } from '../../directory/Lease.ts';
import type { Waiting } from '../../directory/placement.ts';

/** An agent that refused, or can not be reached, is asked again when it says something new of itself, or after this, doubled each time, ms. */
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 10_000;

/** Where in the queue, and why. */
export interface Waits {
  position: number;
  reason: WaitReason;
}

/** One compositor that a broadcast wants. */
export interface PlaceAsk {
  broadcast: string;
  tenant: string;
  /** `handover`: the broadcast runs already, and is seen. */
  kind: Waiting['kind'];
  slots: () => number;
  /** Its place in the queue (Places.queuedAt); left out: at the end. */
  queuedAt?: number | undefined;
  /** Agents that will not do: where it is, where its twin is. */
  avoid: readonly string[];
  /** One that is asked only when no other has room: it may not answer at all. */
  last?: string | undefined;
  /** How long it waits for its turn, ms; 0: it has to be now. */
  waitMs: number;
  signal: AbortSignal;
  /** Told at each turn of the queue; null: it has a place. */
  onWaiting: (waits: Waits | null) => void;
}

interface Refusal {
  /** What the agent said of itself when it refused. */
  said: string | undefined;
  untilMs: number;
}

/** One who asks for a compositor, from the question until the compositor is gone. By its owner (Places.ts) only. */
export class Ticket {
  readonly id: string;
  readonly ask: PlaceAsk;
  readonly queuedAt: number;
  /** As long as there may be another. */
  last: string | undefined;
  /** Monotonic, but that a refusal leads back to `idle`. Only who listens for its turn is `waiting`. */
  state: 'idle' | 'waiting' | 'asking' | 'placed' | 'closed' = 'idle';
  /** The agent that it was given. */
  agent: string | undefined;
  /** What that had in use before, and how many broadcasts. */
  before: { used: number; load: number } = { used: 0, load: 0 };
  reserved: string | undefined;
  lease: Lease<'wish'> | undefined;
  /** It was told that it waits. */
  waited = false;
  /** Why, as long as it does. */
  reason: WaitReason | undefined;
  /** What the others were told of it, JSON. */
  told = '';
  /** One after the other. */
  telling: Promise<void> = Promise.resolve();
  readonly #refusals = new Map<string, Refusal>();
  readonly #retryMs = new Map<string, number>();
  #failure: { error: unknown } | undefined;
  #settle: { resolve: (agent: string) => void; reject: (error: unknown) => void } | undefined;

  constructor(id: string, ask: PlaceAsk, queuedAt: number) {
    this.id = id;
    this.ask = ask;
    this.queuedAt = queuedAt;
    this.last = ask.last;
  }

  get slots(): number {
    return this.ask.slots();
  }

  get avoid(): string[] {
    const last = this.last === undefined ? [] : [this.last];
    return [...new Set([...this.ask.avoid, ...this.#refusals.keys(), ...last])];
  }

  get wish(): Waiting {
    const { kind, tenant } = this.ask;
    const { id, slots, avoid, queuedAt } = this;
    return { id, slots, avoid, kind, tenant, priority: 0, protocol: PROTOCOL, sinceMs: queuedAt };
  }

  get data(): WishData {
    const { broadcast, kind, tenant } = this.ask;
    const { slots, avoid, queuedAt, reserved } = this;
    const placed = this.state === 'placed';
    return { broadcast, kind, tenant, slots, avoid, queuedAt, protocol: PROTOCOL, reserved, placed };
  }

  /** The agent whose turn it is with it. */
  turn(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.state = 'waiting';
      if (this.#failure) reject(this.#failure.error);
    });
  }

  give(agent: string, before: { used: number; load: number }): void {
    this.state = 'asking';
    this.reason = undefined;
    this.agent = agent;
    this.before = before;
    this.reserved = undefined;
    if (this.waited) this.ask.onWaiting(null);
    this.#settle?.resolve(agent);
  }

  /** It waits on. */
  wait(waits: Waits): void {
    this.waited = true;
    this.reason = waits.reason;
    this.ask.onWaiting(waits);
  }

  /** It waits no longer; also when it should wait again. */
  fail(error: unknown = new AppError('no-capacity')): void {
    this.#failure ??= { error };
    this.#settle?.reject(error);
  }

  refused(agent: AgentEntry | undefined, nowMs: number): void {
    const url = this.agent;
    this.state = 'idle';
    this.agent = undefined;
    if (url === undefined) return;
    const waitMs = this.#retryMs.get(url) ?? FIRST_RETRY_MS;
    this.#retryMs.set(url, Math.min(waitMs * 2, MAX_RETRY_MS));
    this.#refusals.set(url, { said: JSON.stringify(agent), untilMs: nowMs + waitMs });
  }

  /** Forgets refusals that are of no weight any more; when the next one will be, ms of the same clock. */
  forgive(agents: readonly AgentEntry[], nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const [url, { said, untilMs }] of this.#refusals) {
      const saysNew = JSON.stringify(agents.find((agent) => agent.url === url)) !== said;
      if (saysNew || untilMs <= nowMs) this.#refusals.delete(url);
      else next = Math.min(next, untilMs);
    }
    return next;
  }
}
