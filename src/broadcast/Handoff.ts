/**
 * One handoff of a broadcast from the compositor at work to another: B warms up in the shadow → delivery takes it from segment k → A
 * stops with segment k − 1. In: A, and a way to get B. Out: who has the broadcast afterwards. Asked for by CompositorKeeper.ts.
 *
 *   placing ─▶ warming ─▶ taking ─▶ stopping ─▶ over
 *
 * B has a job with a first segment that begins when it should be warm. Until it composes it receives and decodes as if it did, with what A knew of
 * each source. k is that segment when B is warm in time, else a later one: what B puts before k delivery refuses (`not-taken`), and nobody
 * sees it. So nothing that goes wrong with B before k is seen.
 *
 * `take` is sent late, TAKE_LEAD_MS before k begins, since it is a promise: after it only B may put k. A B that dies before that costs
 * nothing; one that dies in this short time has the broadcast taken back: A gets a higher fence (a new job) and delivery a `take` with it. For
 * that A is told to stop only when k has begun; it ends with k − 1 all the same, and what it has of k by then is refused.
 *
 * A dies: before k − 1 is whole. B has its job by then or is given it at once, and takes what it can.
 *
 * Timestamps: program time is the clock minus the program's `startMs`, ms.
 */
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import type { CompositorStats } from '../contracts/control.ts';
import { partStartMs, segmentAtOrAfterMs } from '../contracts/grid.ts';
import type { LinkEnd } from './CompositorLink.ts';
import type { Carried } from './carry.ts';
import type { DecodedSources } from './DecodedSources.ts';
import type { Program } from './jobs.ts';

/** From `take` to the beginning of its segment, ms: the order's way to delivery and a busy moment fit in. */
const TAKE_LEAD_MS = 500;
/** When there is less of that left, the next segment is taken, ms. */
const MIN_TAKE_LEAD_MS = 250;
/** Where A was lost, B begins at least this long after it is there, ms: some late frames are better than two seconds more of a hole. */
const RESCUE_LEAD_MS = 400;
/** From `ready` until B has a picture of all that A has; then it goes on without: a camera may just hang, ms. */
const WARM_LIMIT_MS = 6_000;

/** What a handoff needs of a CompositorRun. */
export interface HandoffRun {
  readonly compositor: string;
  readonly fence: number;
  readonly ended: Promise<LinkEnd>;
  readonly decoded: Pick<DecodedSources, 'active' | 'has'>;
  start(program: Program, firstSegment: number, carried: Readonly<Record<string, Carried>>): Promise<void>;
  refence(fence: number): void;
  stop(lastSegment?: number): Promise<LinkEnd>;
  fail(reason: 'stopped', message: string): void;
  on(event: 'stats', listener: (stats: CompositorStats) => void): unknown;
  off(event: 'stats', listener: (stats: CompositorStats) => void): unknown;
}

/**
 * What became of it. `done`: nothing was lost. `rescued`: A was lost meanwhile, and B has the broadcast. `no-place`: there is no compositor to
 * be had elsewhere. `failed`: B was lost, A goes on. `abandoned`: the broadcast ends, or both were lost.
 */
export type HandoffOutcome = 'done' | 'rescued' | 'no-place' | 'failed' | 'abandoned';

export interface HandoffEnd<R> {
  outcome: HandoffOutcome;
  /** Who has the broadcast, when it is not A. */
  run?: R;
  error?: unknown;
}

export interface HandoffOptions<R extends HandoffRun> {
  /** A. */
  old: R;
  program: Program;
  /** B, bound and without a job. Rejects when there is none to be had. */
  place: () => Promise<R>;
  /** What A knows of its sources now. */
  carried: () => Readonly<Record<string, Carried>>;
  /** From B's first job to when it is warm, ms, as far as it is known. */
  warmMs: number;
  /** B was warm after so long, ms. */
  onWarm: (tookMs: number) => void;
  /** Tells delivery: from segment `from` on parts come from `run`, with its fence. */
  take: (run: R, from: number) => void;
  /** B is the one at work, from segment `from` on. Once, before A is told to stop. */
  onSwitch: (run: R, from: number) => void;
  /** Higher than all fences before. */
  newFence: () => number;
  clock: Clock;
  logger: Logger;
  /** The broadcast ends. */
  signal: AbortSignal;
}

type Interruption = 'old-ended' | 'next-ended' | 'aborted';
/** Monotonic: it only moves down this list. */
const STATES = ['placing', 'warming', 'taking', 'stopping', 'over'] as const;
type State = (typeof STATES)[number];

export class Handoff<R extends HandoffRun> {
  readonly old: R;
  /** Never rejects. */
  readonly ended: Promise<HandoffEnd<R>>;
  readonly #options: HandoffOptions<R>;
  /** Lets go of the broadcast's signal, which outlives many handoffs. */
  readonly #letGo = new AbortController();
  #state: State = 'placing';
  #oldLost = false;
  /** The first segment that A is not to finish: known once it was told to stop. */
  #stoppedAt: number | undefined;

  constructor(options: HandoffOptions<R>) {
    this.old = options.old;
    this.#options = options;
    const lost = () => {
      this.#oldLost = true;
    };
    options.old.ended.then(lost, lost);
    this.ended = this.#run().then(
      (end) => this.#over(end),
      (error: unknown) => this.#over({ outcome: 'failed', error }),
    );
  }

  /** A was told to stop, since B is at work: its end is no loss. */
  get oldMayEnd(): boolean {
    return this.#stoppedAt !== undefined;
  }

  async #run(): Promise<HandoffEnd<R>> {
    const { place, signal } = this.#options;
    let next: R;
    try {
      next = await place();
    } catch (error) {
      return { outcome: signal.aborted ? 'abandoned' : 'no-place', error };
    }
    try {
      return await this.#bring(next);
    } catch (error) {
      next.fail('stopped', 'given up');
      return { outcome: signal.aborted ? 'abandoned' : 'failed', error };
    }
  }

  async #bring(next: R): Promise<HandoffEnd<R>> {
    const interrupted = this.#interruptions(next);
    const from = this.#segmentIn(this.#oldLost ? RESCUE_LEAD_MS : this.#options.warmMs + TAKE_LEAD_MS);
    this.#advance('warming');
    const begunAt = this.#options.clock.now();
    const ready = next.start(this.#options.program, from, this.#options.carried());
    // Where A is lost first, #rescue waits for it.
    ready.catch(() => {});
    const warm = ready.then(() => this.#warm(next));
    warm.catch(() => {});
    const first = await Promise.race([interrupted, warm]);
    if (first === 'old-ended') return this.#rescue(next, from, ready);
    if (first) return this.#giveUp(next, first);
    this.#options.onWarm(this.#options.clock.now() - begunAt);
    return this.#switch(next, from, interrupted);
  }

  async #switch(next: R, from: number, interrupted: Promise<Interruption>): Promise<HandoffEnd<R>> {
    for (;;) {
      const k = Math.max(from, this.#segmentIn(TAKE_LEAD_MS));
      const before = await this.#until(this.#beginOf(k) - TAKE_LEAD_MS, interrupted);
      if (before === 'old-ended') return this.#rescue(next, from);
      if (before) return this.#giveUp(next, before);
      // We have slept for too long: A's first part of k might be there before the order.
      if (this.#now() > this.#beginOf(k) - MIN_TAKE_LEAD_MS) continue;
      this.#options.take(next, k);
      this.#advance('taking');
      const meanwhile = await this.#until(this.#beginOf(k), interrupted);
      if (meanwhile === 'next-ended') this.#takeBack(k);
      if (meanwhile === 'next-ended' || meanwhile === 'aborted') return this.#giveUp(next, meanwhile);
      // The order once more does no harm.
      if (meanwhile === 'old-ended') return this.#rescue(next, k);
      return this.#stopOld(next, k);
    }
  }

  /** k has begun. */
  async #stopOld(next: R, k: number): Promise<HandoffEnd<R>> {
    this.#stoppedAt = k;
    this.#advance('stopping');
    this.#options.onSwitch(next, k);
    const { reason, lastSegment, message } = await this.old.stop(k - 1);
    if (reason === 'stopped' && lastSegment !== null && lastSegment >= k - 1) return { outcome: 'done', run: next };
    this.#options.logger.warn(
      { reason, message, lastSegment, k },
      'compositor did not finish what was before its successor',
    );
    return { outcome: 'rescued', run: next };
  }

  /** A is lost: B goes on at the first boundary that it can make. */
  async #rescue(next: R, from: number, ready?: Promise<void>): Promise<HandoffEnd<R>> {
    const k = Math.max(from, this.#segmentIn(0));
    this.#options.take(next, k);
    this.#options.onSwitch(next, k);
    try {
      await ready;
    } catch (error) {
      return { outcome: 'abandoned', error };
    }
    return { outcome: 'rescued', run: next };
  }

  #takeBack(k: number): void {
    const { newFence, take, logger } = this.#options;
    this.old.refence(newFence());
    take(this.old, k);
    logger.warn({ compositor: this.old.compositor, k }, 'successor lost, broadcast taken back');
  }

  #giveUp(next: R, why: Exclude<Interruption, 'old-ended'>): HandoffEnd<R> {
    next.fail('stopped', 'given up');
    return { outcome: why === 'aborted' ? 'abandoned' : 'failed', error: new Error(why) };
  }

  /** Resolves when B has a picture of all that A has pictures of, at the latest after a while. */
  async #warm(next: R): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(limit);
        next.off('stats', look);
        resolve();
      };
      const look = () => {
        if (this.old.decoded.active.every((id) => next.decoded.has(id))) done();
      };
      const limit = setTimeout(() => {
        this.#options.logger.warn({ compositor: next.compositor }, 'successor has not got all pictures');
        done();
      }, WARM_LIMIT_MS);
      next.on('stats', look);
      next.ended.then(done, done);
      // Where nobody is to be seen there is nothing to wait for.
      look();
    });
  }

  /** The first thing that changes the plan. */
  #interruptions(next: R): Promise<Interruption> {
    const { signal } = this.#options;
    const aborted = new Promise<'aborted'>((resolve) => {
      if (signal.aborted) resolve('aborted');
      else signal.addEventListener('abort', () => resolve('aborted'), { once: true, signal: this.#letGo.signal });
    });
    // In this order: of things that have happened already the first counts.
    return Promise.race([
      aborted,
      next.ended.then((): Interruption => 'next-ended'),
      this.old.ended.then((): Interruption => 'old-ended'),
    ]);
  }

  /** Resolves at that program time, or with what comes before. */
  async #until(programMs: number, interrupted: Promise<Interruption>): Promise<Interruption | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const time = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), Math.max(0, programMs - this.#now()));
    });
    try {
      return await Promise.race([interrupted, time]);
    } finally {
      clearTimeout(timer);
    }
  }

  #now(): number {
    return this.#options.clock.now() - this.#options.program.startMs;
  }

  #segmentIn(ms: number): number {
    return segmentAtOrAfterMs(this.#options.program.grid, this.#now() + ms);
  }

  #beginOf(segment: number): number {
    return partStartMs(this.#options.program.grid, segment, 0);
  }

  #over(end: HandoffEnd<R>): HandoffEnd<R> {
    this.#advance('over');
    this.#letGo.abort();
    return end;
  }

  #advance(next: State): void {
    if (STATES.indexOf(next) <= STATES.indexOf(this.#state)) return;
    this.#options.logger.info({ compositor: this.old.compositor, state: `${this.#state} -> ${next}` }, 'handoff moved');
    this.#state = next;
  }
}
