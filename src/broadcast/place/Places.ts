/**
 * The load distribution program at run time: gives the broadcasts of this SFU node compositors, in the order of a queue that all nodes share. In:
 * who asks (placeCompositor.ts), the agents, and who waits at the other nodes (directory kind `wish`). Out: whose turn it is with which agent, and for
 * everybody else a position; next: CompositorRun asks the agent, which has the last word.
 *
 * Every node reckons the same queue (directory/placement/queue.ts) from the same entries, and starts only its own whose turn it is. Who finds a place
 * at once is in no entry: there is nothing to agree on, and so nothing of this needs Redis. A wish stays in the directory until its agent has said yes:
 * until then the others leave it the room.
 */
import { newId } from '../../common/ids.ts';
import type { Logger } from '../../common/logger.ts';
import { WaitReason } from '../../contracts/broadcast.ts';
import { AppError } from '../../contracts/errors.ts';
import type { AgentEntry, Directory } from '../../directory/Directory.ts';
import type { Entry } from '../../directory/entries.ts';
import {
  type RoundResult,
  type Strategy,
  serveQueue,
  type TenantRules,
  type Waiting,
} from '../../directory/placement.ts';
import type { View } from '../../directory/View.ts';
import type { PlaceMetrics } from '../metrics.ts';
import { agentViews } from './agentViews.ts';
import { Rounds } from './Rounds.ts';
import { type PlaceAsk, Ticket } from './Ticket.ts';
import { tenantUse, type WantedBroadcast } from './tenantUse.ts';

/** Failures that are not for want of room, one after the other: it is not the agents' fault. */
const MAX_FAILURES = 3;
/** Longer is for ever: the largest delay of a timer, ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export type TenantRuleSet = Pick<TenantRules, 'limits' | 'usual'>;

export interface PlacesOptions {
  directory: Directory;
  strategy: Strategy;
  /** null: tenants have no limits. */
  tenants: TenantRuleSet | null;
  /** ms since 1970. */
  wallClock: () => number;
  logger: Logger;
  metrics: PlaceMetrics;
}

export class Places {
  readonly #options: PlacesOptions;
  readonly #logger: Logger;
  readonly #tickets = new Map<string, Ticket>();
  /** Every broadcast of this node. */
  readonly #wanted = new Map<string, WantedBroadcast>();
  /** The last one's. */
  #queuedAt = 0;
  #opening: Promise<void> | undefined;
  #wishes: View<'wish'> | undefined;
  #agents: readonly AgentEntry[] = [];
  readonly #rounds: Rounds;

  constructor(options: PlacesOptions) {
    this.#options = options;
    const logger = options.logger.child({ part: 'places' });
    this.#logger = logger;
    this.#rounds = new Rounds({
      needed: () => this.#tickets.size > 0,
      round: () => this.#round(),
      onError: (error) => logger.error({ err: error }, 'the queue could not be served'),
    });
  }

  /** A place at the end of the queue, ms since 1970: who comes later waits later, also within a millisecond. */
  queuedAt(): number {
    this.#queuedAt = Math.max(this.#queuedAt + 1, Math.floor(this.#options.wallClock()));
    return this.#queuedAt;
  }

  /** What a broadcast wants from now on, whether it has it or not; null: it is over. */
  wants(broadcast: string, wanted: { tenant: string; slots: number } | null): void {
    if (wanted) this.#wanted.set(broadcast, { seen: false, ...this.#wanted.get(broadcast), broadcast, ...wanted });
    else if (!this.#wanted.delete(broadcast)) return;
    this.#count();
    for (const ticket of this.#tickets.values()) if (ticket.ask.broadcast === broadcast) void this.#tell(ticket);
    this.#rounds.soon();
  }

  /**
   * Waits for its turn, and has `connect` ask the agent; when that refuses it waits on. Rejects with `no-capacity` when it has waited for long enough,
   * with the signal's reason, and with what `connect` throws when that is not for want of room.
   */
  async place<R extends { readonly ended: Promise<unknown> }>(
    ask: PlaceAsk,
    connect: (agent: string, slots: number, protocol: number | undefined) => Promise<R>,
  ): Promise<R> {
    this.#opening ??= this.#open();
    await this.#opening;
    const { signal, waitMs } = ask;
    signal.throwIfAborted();
    const ticket = new Ticket(newId('q'), ask, ask.queuedAt ?? this.queuedAt());
    if (ask.kind === 'handover') this.#counts(ticket, true);
    this.#tickets.set(ticket.id, ticket);
    const giveUp = () => ticket.fail(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    const limit = waitMs > 0 && waitMs < MAX_TIMER_MS ? setTimeout(() => ticket.fail(), waitMs) : undefined;
    try {
      // Others have to know of it before it starts: a tenant's broadcasts may be at several nodes.
      if (this.#options.tenants) await this.#tell(ticket);
      return await this.#seek(ticket, connect);
    } catch (error) {
      this.#leave(ticket);
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
      clearTimeout(limit);
    }
  }

  close(): void {
    this.#rounds.close();
    for (const ticket of this.#tickets.values()) ticket.fail(new AppError('shutting-down'));
  }

  async #seek<R extends { readonly ended: Promise<unknown> }>(
    ticket: Ticket,
    connect: (agent: string, slots: number, protocol: number | undefined) => Promise<R>,
  ): Promise<R> {
    for (let failures = 0; ; ) {
      const turn = ticket.turn();
      this.#rounds.soon();
      const agent = await turn;
      try {
        const { protocol } = this.#agents.find(({ url }) => url === agent) ?? {};
        const run = await connect(agent, ticket.slots, protocol);
        this.#placed(ticket, agent, run.ended);
        return run;
      } catch (error) {
        ticket.ask.signal.throwIfAborted();
        this.#logger.warn({ err: error, agent, broadcast: ticket.ask.broadcast }, 'agent gave no compositor');
        if (ticket.ask.kind === 'start') this.#counts(ticket, false);
        ticket.refused(
          this.#agents.find(({ url }) => url === agent),
          this.#options.wallClock(),
        );
        if (error instanceof AppError && error.code === 'no-capacity') continue;
        failures += 1;
        if (failures >= MAX_FAILURES) throw error;
      }
    }
  }

  #placed(ticket: Ticket, agent: string, ended: Promise<unknown>): void {
    const { directory, wallClock, metrics } = this.#options;
    ticket.state = 'placed';
    if (ticket.waited) metrics.waitSeconds.observe((wallClock() - ticket.queuedAt) / 1000);
    void this.#tell(ticket);
    const forgotten = (error: unknown) => this.#logger.warn({ err: error }, 'the directory did not take a placement');
    directory.placed(agent, ticket.id).catch(forgotten);
    const over = () => {
      directory.released(ticket.id).catch(forgotten);
      this.#leave(ticket);
    };
    ended.then(over, over);
    this.#rounds.soon();
  }

  #leave(ticket: Ticket): void {
    ticket.state = 'closed';
    if (!this.#tickets.delete(ticket.id)) return;
    void this.#tell(ticket);
    this.#count();
    this.#rounds.soon();
  }

  /** Whether its tenant has it. */
  #counts({ ask }: Ticket, seen: boolean): void {
    const wanted = this.#wanted.get(ask.broadcast);
    if (wanted) wanted.seen = seen;
  }

  async #open(): Promise<void> {
    const soon = () => this.#rounds.soon();
    const wishes = await this.#options.directory.watch('wish');
    wishes.on('changed', soon);
    wishes.on('gone', soon);
    this.#wishes = wishes;
    await this.#options.directory.watchAgents(soon);
  }

  async #round(): Promise<void> {
    const { directory, strategy, tenants, wallClock } = this.#options;
    this.#agents = await directory.agents();
    const nowMs = wallClock();
    const tickets = [...this.#tickets.values()];
    const waiting = tickets.filter(({ state }) => state === 'waiting');
    const retryAt = Math.min(...waiting.map((ticket) => ticket.forgive(this.#agents, nowMs)));
    const views = agentViews(this.#agents, tickets.flatMap(useOf));
    const others = (this.#wishes?.entries ?? []).filter(({ holder }) => holder !== directory.node);
    const reservations = new Map([
      ...others.flatMap(({ id, data }) => (data.reserved === undefined ? [] : [[id, data.reserved] as const])),
      ...waiting.flatMap(({ id, reserved }) => (reserved === undefined ? [] : [[id, reserved] as const])),
    ]);
    const served = serveQueue({
      agents: views,
      waiting: [...waiting.map(({ wish }) => wish), ...others.flatMap(waitingOf)],
      tenants: { ...(tenants ?? NONE), use: tenants ? tenantUse(this.#wanted.values(), others) : new Map() },
      strategy,
      nowMs,
      reservations,
    });
    for (const { id, agent } of served.placed) {
      const ticket = this.#tickets.get(id);
      const view = views.find(({ url }) => url === agent);
      if (!ticket || !view) continue;
      const { slots } = ticket;
      this.#counts(ticket, true);
      ticket.give(agent, { used: view.used, load: view.load });
      view.used += slots;
      view.load += 1;
    }
    this.#wait(served);
    this.#count();
    // When agents that refused may be asked again.
    this.#rounds.after(retryAt - nowMs);
  }

  #wait({ waiting, reservations }: RoundResult): void {
    for (const { id, position, reason } of waiting) {
      const ticket = this.#tickets.get(id);
      if (!ticket) continue;
      if (ticket.last !== undefined) {
        ticket.last = undefined;
        this.#rounds.soon();
        continue;
      }
      ticket.reserved = reservations.get(id);
      if (ticket.ask.waitMs <= 0) ticket.fail();
      else {
        ticket.wait({ position, reason });
        void this.#tell(ticket);
      }
    }
  }

  /** Tells the other nodes of it, or that there is nothing any more. Never rejects. */
  #tell(ticket: Ticket): Promise<void> {
    const { directory, tenants } = this.#options;
    ticket.telling = ticket.telling
      .then(async () => {
        const waits = ticket.waited && ticket.state !== 'placed';
        if (ticket.state === 'closed' || !(tenants || waits)) {
          await ticket.lease?.release();
          ticket.lease = undefined;
          return;
        }
        const { data } = ticket;
        const text = JSON.stringify(data);
        if (ticket.lease && ticket.told === text) return;
        ticket.told = text;
        if (ticket.lease) await ticket.lease.update(data);
        else ticket.lease = await directory.hold('wish', ticket.id, data, ticket.queuedAt);
      })
      .catch((error: unknown) => this.#logger.debug({ err: error }, 'the directory was not told of a wish'));
    return ticket.telling;
  }

  #count(): void {
    const { demand, pending } = this.#options.metrics;
    const waiting = [...this.#tickets.values()].filter(({ reason }) => reason !== undefined);
    for (const kind of ['start', 'handover'] as const) {
      for (const reason of WaitReason.options) {
        const alike = waiting.filter((ticket) => ticket.ask.kind === kind && ticket.reason === reason);
        pending.set({ kind, reason }, alike.length);
      }
    }
    // More agents would be of no use to those.
    const kept = new Set(waiting.filter(({ reason }) => reason === 'tenant-limit').map(({ ask }) => ask.broadcast));
    const wanted = [...this.#wanted.values()].filter(({ broadcast }) => !kept.has(broadcast));
    demand.set(Math.round(wanted.reduce((sum, { slots }) => sum + slots, 0) * 100) / 100);
  }
}

const NONE: TenantRuleSet = { limits: new Map(), usual: {} };

const useOf = ({ agent, slots, state, before }: Ticket) =>
  agent === undefined ? [] : [{ agent, slots, ...(state === 'asking' ? { asked: before } : {}) }];

function waitingOf({ id, data }: Entry<'wish'>): Waiting[] {
  const { placed, queuedAt, broadcast: _, reserved: __, ...wish } = data;
  return placed ? [] : [{ ...wish, id, priority: 0, sinceMs: queuedAt }];
}
