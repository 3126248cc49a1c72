/**
 * Hot standby of one broadcast: a second compositor that works in the shadow, with every job, and whose parts delivery holds until those of the
 * compositor at work are there or late (delivery/Standby.ts). In: a way to get one. Out: the one that is ready, when it is wanted. Asked by
 * CompositorKeeper.ts, which owns the compositors; the one that it is given is not ours any more, and another is looked for.
 *
 *   idle ─▶ placing ─▶ warming ─▶ standing by ─▶ released or lost ─▶ placing …
 *
 * Timestamps: program time is the clock minus the program's `startMs`, ms.
 */
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { segmentAtOrAfterMs } from '../contracts/grid.ts';
import type { LinkEnd } from './CompositorLink.ts';
import type { Carried } from './carry.ts';
import type { Program } from './jobs.ts';

/** Where there was no place for one, or it was lost, the next is looked for after this, ms: a broadcast at work may want the place more. */
const RETRY_MS = 2_000;

/** What a standby needs of a CompositorRun. */
export interface StandbyRun {
  readonly compositor: string;
  readonly agentUrl: string;
  readonly fence: number;
  readonly draining: boolean;
  readonly ended: Promise<LinkEnd>;
  start(program: Program, firstSegment: number, carried: Readonly<Record<string, Carried>>): Promise<void>;
  stop(lastSegment?: number): Promise<LinkEnd>;
  fail(reason: 'stopped', message: string): void;
  letGo(): void;
  once(event: 'draining', listener: () => void): unknown;
}

export interface StandbyOptions<R extends StandbyRun> {
  /** Bound and without a job, on another agent than the one at work, where there is one. Rejects when there is none to be had. */
  place: () => Promise<R>;
  program: () => Program | undefined;
  /** What the compositor at work knows of its sources. */
  carried: () => Readonly<Record<string, Carried>>;
  /** From its first job to when it is warm, ms, as far as it is known. */
  warmMs: () => number;
  /** Tells delivery: from segment `from` on `run` stands by. */
  take: (run: R, from: number) => void;
  clock: Clock;
  logger: Logger;
  /** The broadcast ends. */
  signal: AbortSignal;
}

export class Standby<R extends StandbyRun> {
  readonly #options: StandbyOptions<R>;
  #run: R | undefined;
  /** The one that warms up. */
  #next: R | undefined;
  /** Whose is lower could not be given the broadcast. */
  #leastFence = 0;
  /** Settles when the one that is being brought up is ready, or is not to be. */
  #coming: Promise<R | undefined> = Promise.resolve(undefined);
  #keeping: Promise<void> | undefined;
  /** Ends the watch over the one that stands by. */
  #letGo: (() => void) | undefined;

  constructor(options: StandbyOptions<R>) {
    this.#options = options;
  }

  /** The one that stands by now. */
  get run(): R | undefined {
    return this.#run;
  }

  /** From now on there is one, as far as there is room. Idempotent. */
  begin(): void {
    this.#keeping ??= this.#keep();
  }

  /** Gives away the one that stands by, or comes; undefined: there is none. */
  async release(): Promise<R | undefined> {
    const run = this.#run ?? (await this.#coming);
    if (!run || run !== this.#run) return undefined;
    this.#run = undefined;
    this.#letGo?.();
    return run;
  }

  /** For a handoff: the one that stands by, where it is on another agent than that; it is warm. */
  async releaseElsewhere(agentUrl: string): Promise<R | undefined> {
    const run = this.#run;
    return run && !run.draining && run.agentUrl !== agentUrl ? this.release() : undefined;
  }

  /** The broadcast was given to a compositor with this fence: one with a lower one could not have it after that, and is replaced. */
  outdated(fence: number): void {
    this.#leastFence = Math.max(this.#leastFence, fence);
    if (this.#run && this.#run.fence < fence) this.#giveUp(this.#run);
  }

  /** It goes on without us. After `signal`. */
  letGo(): void {
    this.#run?.letGo();
    this.#next?.letGo();
  }

  /** Resolves when none is left. After `signal`. */
  async stop(): Promise<void> {
    this.#next?.fail('stopped', 'the broadcast ends');
    await Promise.all([this.#run?.stop(), this.#keeping]);
  }

  async #keep(): Promise<void> {
    const { signal, logger } = this.#options;
    while (!signal.aborted) {
      this.#coming = this.#bring().catch((error: unknown) => {
        if (!signal.aborted) logger.warn({ err: error }, 'no standby yet');
        return undefined;
      });
      const run = await this.#coming;
      if (run) await this.#watch(run);
      await this.#pause();
    }
  }

  async #bring(): Promise<R | undefined> {
    const { place, program, carried, warmMs, take, clock, logger, signal } = this.#options;
    const known = program();
    if (!known) return undefined;
    const run = await place();
    this.#next = run;
    try {
      const from = segmentAtOrAfterMs(known.grid, clock.now() - known.startMs + warmMs());
      take(run, from);
      await run.start(known, from, carried());
      signal.throwIfAborted();
      if (run.fence < this.#leastFence) throw new Error('another compositor was given the broadcast meanwhile');
      logger.info({ compositor: run.compositor, fence: run.fence, from }, 'standby ready');
      this.#run = run;
      return run;
    } catch (error) {
      run.fail('stopped', 'given up');
      throw error;
    } finally {
      this.#next = undefined;
    }
  }

  /** Until it is released, lost, or its agent goes. */
  async #watch(run: R): Promise<void> {
    // Race: it was wanted in the moment that it was ready.
    if (this.#run !== run) return;
    const released = new Promise<void>((resolve) => {
      this.#letGo = resolve;
    });
    // What stands by is not missed: it just goes.
    const leave = () => {
      if (this.#run === run) this.#giveUp(run);
    };
    if (run.draining) leave();
    else run.once('draining', leave);
    const end = await Promise.race([released, run.ended]);
    if (this.#run !== run) return;
    this.#run = undefined;
    if (end) this.#options.logger.warn({ compositor: run.compositor, reason: end.reason }, 'standby lost');
  }

  /** Until the next is looked for, or the broadcast ends. */
  #pause(): Promise<void> {
    const { signal } = this.#options;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, RETRY_MS);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  #giveUp(run: R): void {
    this.#run = undefined;
    this.#letGo?.();
    this.#options.logger.info({ compositor: run.compositor }, 'standby is replaced');
    run.stop().catch((error: unknown) => this.#options.logger.error({ err: error }, 'standby did not stop'));
  }
}
