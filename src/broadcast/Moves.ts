/**
 * The handoffs of one broadcast, one at a time: since its agent goes, or since somebody asked for it. In: the compositor at work, and ways to get another.
 * Out: Handoff.ts, which does it, when it is this broadcast's turn. Owned by CompositorKeeper.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../common/logger.ts';
import type { BroadcastOptions } from './BroadcastOptions.ts';
import type { CompositorRun } from './CompositorRun.ts';
import type { Carried } from './carry.ts';
import { Handoff, type HandoffEnd } from './Handoff.ts';
import { HandoffTurn } from './HandoffTurn.ts';
import type { Program } from './jobs.ts';
import type { BroadcastPlace, PlaceWish } from './place/BroadcastPlace.ts';
import type { Standby } from './Standby.ts';

/** A handoff that came to nothing is tried again after, ms. */
const HANDOFF_RETRY_MS = 2_000;

/**
 * Why a broadcast is handed over: metric label. `drain`: its agent goes. `request`: somebody asked for it. `rebalance`: its agent has too much, or
 * room is made for another one (place/Balance.ts).
 */
export type HandoffReason = 'drain' | 'request' | 'rebalance';

export interface MovesOptions {
  node: Pick<BroadcastOptions, 'handoffs' | 'clock' | 'metrics'>;
  place: BroadcastPlace;
  /** The compositor at work. */
  run: () => CompositorRun | undefined;
  isLive: () => boolean;
  program: () => Program | undefined;
  standby: Standby<CompositorRun> | undefined;
  /** A further compositor, with a fence of its own. */
  seek: (wish: PlaceWish & { onTurn?: () => Promise<void> }) => Promise<CompositorRun>;
  carried: () => Readonly<Record<string, Carried>>;
  take: (run: CompositorRun, from: number) => void;
  onSwitch: (run: CompositorRun, from: number, program: Program) => void;
  newFence: () => number;
  logger: Logger;
  /** The broadcast ends. */
  signal: AbortSignal;
}

export class Moves {
  readonly #options: MovesOptions;
  #handoff: Handoff<CompositorRun> | undefined;
  #moving: Promise<HandoffEnd<CompositorRun>> | undefined;
  /** While the broadcast goes from one delivery node to another nobody else may take anything. */
  #redirecting: Promise<void> = Promise.resolve();

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  /** The newest one; it may be over. */
  get handoff(): Handoff<CompositorRun> | undefined {
    return this.#handoff;
  }

  /** To a compositor of another agent. One at a time: who asks meanwhile is given the same answer. Rejects when the broadcast ends before. */
  handOver(reason: HandoffReason): Promise<HandoffEnd<CompositorRun>> {
    this.#moving ??= this.#handOver(reason).finally(() => {
      this.#moving = undefined;
    });
    return this.#moving;
  }

  /** Does the work when no handoff is under way, and lets none begin meanwhile. */
  async betweenHandoffs<T>(work: () => Promise<T>): Promise<T> {
    await this.#redirecting;
    for (let last: Handoff<CompositorRun> | undefined; this.#handoff !== last; await last?.ended) last = this.#handoff;
    const done = work();
    this.#redirecting = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  leaveWhenDraining(run: CompositorRun): void {
    const leave = () => {
      this.#leave(run).catch((error: unknown) => this.#options.logger.error({ err: error }, 'handoff failed'));
    };
    if (run.draining) leave();
    else run.once('draining', leave);
  }

  /** Until it is not the one at work any more. Its agent bounds that. */
  async #leave(run: CompositorRun): Promise<void> {
    const { signal, logger } = this.#options;
    const isPresent = () => this.#options.run() === run;
    logger.info({ compositor: run.compositor }, 'agent goes: broadcast is handed over');
    while (isPresent() && !signal.aborted) {
      await this.handOver('drain').catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (isPresent()) await delay(HANDOFF_RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #handOver(reason: HandoffReason): Promise<HandoffEnd<CompositorRun>> {
    const { node, signal, logger } = this.#options;
    const { handoffs, clock, metrics } = node;
    const turn = new HandoffTurn(handoffs, signal);
    await turn.take();
    await this.#redirecting;
    const beganAt = clock.now();
    try {
      const old = this.#options.run();
      const program = this.#options.program();
      if (!old || !program || !this.#options.isLive()) return { outcome: 'abandoned' };
      this.#handoff = this.#newHandoff(old, program, reason, turn);
      const end = await this.#handoff.ended;
      const { outcome, error, run } = end;
      const tookMs = Math.round(clock.now() - beganAt);
      metrics.handoffs.inc({ reason, outcome });
      const log = { reason, outcome, tookMs, compositor: run?.compositor, ...(error ? { err: error } : {}) };
      if (outcome !== 'done') logger.warn(log, 'handoff came to nothing');
      else {
        metrics.handoffSeconds.observe(tookMs / 1000);
        logger.info(log, 'broadcast handed over');
      }
      return end;
    } finally {
      turn.give();
    }
  }

  #newHandoff(old: CompositorRun, program: Program, reason: HandoffReason, turn: HandoffTurn): Handoff<CompositorRun> {
    const { node, place, standby, seek, carried, take, onSwitch, newFence, logger, signal } = this.#options;
    const { handoffs, clock } = node;
    let warm = false;
    // Who has to go waits in the queue; who was only asked to is told that there is no place.
    const wait = reason === 'drain' ? {} : { waitMs: 0 };
    return new Handoff<CompositorRun>({
      old,
      program,
      place: async () => {
        const ready = await standby?.releaseElsewhere(old.agentUrl);
        warm = ready !== undefined;
        return ready ?? turn.besides(place, (onTurn) => seek({ avoid: old.agentUrl, onTurn, ...wait }));
      },
      carried,
      warmMs: handoffs.warmMs,
      onWarm: (tookMs) => {
        if (!warm) handoffs.learn(tookMs);
      },
      take: (run, from) => {
        take(run, from);
        // It is warm: the next one may be.
        turn.give();
      },
      onSwitch: (run, from) => onSwitch(run, from, program),
      ...{ newFence, clock, logger, signal },
    });
  }
}
