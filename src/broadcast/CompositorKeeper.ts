/**
 * Keeps a compositor at work for one broadcast: brings one up, watches it, replaces it when it is lost, hands over to another when it
 * is to go. Owns every CompositorRun of the broadcast; one is present, and while there is a handoff (Handoff.ts) another is in the shadow.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import { AppError } from '../contracts/errors.ts';
import { partSeconds, partStartMs, segmentAtOrAfterMs } from '../contracts/grid.ts';
import { CompositorFigures } from './CompositorFigures.ts';
import type { LinkEnd } from './CompositorLink.ts';
import type { CompositorRun } from './CompositorRun.ts';
import type { Carried } from './carry.ts';
import type { DeliveryLink } from './DeliveryLink.ts';
import { followRun } from './followRun.ts';
import type { HandoffEnd } from './Handoff.ts';
import type { Program } from './jobs.ts';
import type { KeeperOptions } from './KeeperOptions.ts';
import { type HandoffReason, Moves } from './Moves.ts';
import { PartWatch } from './PartWatch.ts';
import type { PlaceWish } from './place/BroadcastPlace.ts';
import { placeCompositor } from './placeCompositor.ts';
import { RestartPolicy } from './RestartPolicy.ts';
import { Standby } from './Standby.ts';

/**
 * A successor's first segment begins at least this long after it is bound, ms: some late frames are better than two seconds more of a hole. A
 * warm one is ready after 0.25 s, and its first part ends on the grid after 0.33.
 */
const RESTART_LEAD_MS = 100;
/** Where a compositor is at work already, the order to take another one's parts is sent this long before the first of them, ms. */
const TAKE_LEAD_MS = 500;
/** A broadcast that is not live after this long has failed, ms; not counted: how long it waits for a place. */
const START_LIMIT_MS = 30_000;
/**
 * One that seems to be gone is looked at again after this: when we ourselves stood still, what it said meanwhile is read by then, ms.
 */
const SECOND_LOOK_MS = 50;
interface KeeperEvents {
  /** There is a compositor at work, the first or after a loss; it took so long, ms. */
  live: [tookMs: number];
  /** The compositor at work is lost; another is looked for. */
  lost: [];
  /** Another compositor is at work from now on, without a loss. */
  moved: [];
}

export class CompositorKeeper extends TypedEmitter<KeeperEvents> {
  readonly parts: PartWatch;
  readonly #options: KeeperOptions;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  readonly #restarts = new RestartPolicy();
  readonly #figures: CompositorFigures;
  #delivery: DeliveryLink | undefined;
  #fence: number;
  #run: CompositorRun | undefined;
  /** The first segment of the present run. */
  #from = 0;
  #downAt: number;
  /** The agent of the compositor that stood still last: it may stand still, too. */
  #standing: string | undefined;
  /** Delivery was told of a compositor of ours. */
  #hasTaken = false;
  #carried: Record<string, Carried> = {};
  readonly #moves: Moves;
  readonly #standby: Standby<CompositorRun> | undefined;

  constructor(options: KeeperOptions) {
    super();
    const { clock, metrics } = options.node;
    this.#options = options;
    this.#logger = options.logger;
    this.#fence = options.fence;
    this.#downAt = clock.now();
    this.#figures = new CompositorFigures(metrics);
    this.parts = new PartWatch(clock);
    if (options.standby) this.#standby = this.#newStandby();
    this.#moves = this.#newMoves();
  }

  /** The compositor at work. */
  get run(): CompositorRun | undefined {
    return this.#run;
  }

  /** Of the compositor at work; of the one that is brought up while there is none. A successor in the shadow has a higher one. */
  get fence(): number {
    return this.#run?.fence ?? this.#fence;
  }

  /** The newest that was given out. */
  get newestFence(): number {
    return this.#fence;
  }

  /** Until `stop`. Throws when none is to be had for long. */
  async supervise(): Promise<void> {
    const { signal } = this.#abort;
    const { clock } = this.#options.node;
    this.#downAt = clock.now();
    let why = 'start';
    for (;;) {
      let liveAt = 0;
      try {
        const run = await this.#bringUp(signal);
        liveAt = clock.now();
        this.emit('live', liveAt - this.#downAt);
        this.#standby?.begin();
        why = await this.#serve(run);
        if (signal.aborted) return;
      } catch (error) {
        if (signal.aborted) return;
        if (this.#isHopeless(error)) throw error;
        this.#logger.warn({ err: error, why }, 'no compositor yet');
      }
      const wait = this.#restarts.nextWaitMs(liveAt ? clock.now() - liveAt : 0);
      await delay(wait, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
    }
  }

  /** What is given out from now on is higher than this. */
  atLeast(fence: number): void {
    this.#fence = Math.max(this.#fence, fence);
  }

  /** The compositor at work goes on without us; `supervise` returns. */
  letGo(): void {
    this.#abort.abort();
    this.#run?.letGo();
    this.#standby?.letGo();
  }

  /** Ends the compositors in order, the present one with the parts that are whole; `supervise` returns. */
  async stop(): Promise<void> {
    const run = this.#run;
    this.#abort.abort();
    await Promise.all([run?.stop(), this.#moves.handoff?.ended, this.#standby?.stop()]);
  }

  /** So many parts in a row have not come; the newest is of this segment. */
  late(count: number, segment: number): void {
    const [run, program] = [this.#run, this.#options.program()];
    if (!run || !program || this.#options.board.state !== 'live' || segment < this.#from) return;
    const isGone = () => this.parts.isGone(count, partSeconds(program.grid) * 1000, run.heardAt);
    if (!isGone()) return;
    setTimeout(() => {
      if (this.#run === run && isGone()) run.fail('unresponsive', 'delivery gets no parts');
    }, SECOND_LOOK_MS);
  }

  /** A number that is higher than all fences of the broadcast so far. */
  newFence(): number {
    return this.#newFence();
  }

  /** Does the work when no handoff is under way, and lets none begin meanwhile. */
  betweenHandoffs<T>(work: () => Promise<T>): Promise<T> {
    return this.#moves.betweenHandoffs(work);
  }

  /** All from segment `from` on goes to this delivery node. */
  redirect(delivery: DeliveryLink, program: Program, from: number): void {
    this.#delivery = delivery;
    // What stands by puts to the node before: it is replaced.
    this.#standby?.outdated(this.#newFence());
    const run = this.#run;
    if (!run) return;
    // One that has just come begins with a later segment.
    this.#take(run, Math.max(from, this.#from));
    run.deliverTo(program);
  }

  /** To a compositor of another agent (Moves.ts). */
  handOver(reason: HandoffReason): Promise<HandoffEnd<CompositorRun>> {
    return this.#moves.handOver(reason);
  }

  #isHopeless(error: unknown): boolean {
    const { board, node, place } = this.#options;
    const code = error instanceof AppError ? error.code : null;
    // Delivery has ended it, or another node's controller has it.
    if (code === 'conflict' || code === 'stale-fence') return true;
    const downMs = node.clock.now() - this.#downAt;
    return board.state === 'starting' ? downMs - place.waitedMs > START_LIMIT_MS : downMs >= node.recoveryMs;
  }

  /** Until there is no compositor at work any more, to whichever the broadcast was handed over meanwhile; why. */
  async #serve(first: CompositorRun): Promise<string> {
    for (let run = first; ; ) {
      this.#moves.leaveWhenDraining(run);
      const end = await run.ended;
      if (this.#abort.signal.aborted) return end.reason;
      const handoff = this.#moves.handoff?.old === run ? this.#moves.handoff : undefined;
      const lost = !handoff?.oldMayEnd;
      if (lost) this.#lost(run, end);
      const next = (await handoff?.ended)?.run ?? (await this.#promoted());
      if (!next) return end.reason;
      if (lost) this.emit('live', this.#options.node.clock.now() - this.#downAt);
      run = next;
    }
  }

  #lost(run: CompositorRun, { reason, message }: LinkEnd): void {
    const { board, node } = this.#options;
    this.#downAt = node.clock.now();
    this.#standing = reason === 'unresponsive' ? run.agentUrl : undefined;
    this.#logger.warn({ compositor: run.compositor, reason, message }, 'compositor lost');
    board.set({ restarts: board.status.restarts + 1, fps: 0 });
    node.metrics.restarts.inc({ reason });
    this.emit('lost');
  }

  #newFence(): number {
    this.#fence = Math.max(this.#fence + 1, Math.floor(this.#options.node.wallClock()));
    this.#options.onFence();
    return this.#fence;
  }

  /** A compositor that is ready and feeds delivery. Throws when there is none to be had, when it ends before, and when aborted. */
  async #bringUp(signal: AbortSignal): Promise<CompositorRun> {
    const { program: known, resumed, prepare, node } = this.#options;
    const first = known() === undefined && !resumed;
    this.#newFence();
    // Delivery waits for a controller, and not for a place.
    if (resumed) await prepare();
    const run = await this.#place({ last: this.#standing });
    try {
      const { program, delivery } = await prepare();
      const former = resumed && !this.#hasTaken && delivery.arriving;
      this.#delivery = delivery;
      signal.throwIfAborted();
      const passed = node.clock.now() - program.startMs;
      const soonest = first ? 0 : segmentAtOrAfterMs(program.grid, passed + RESTART_LEAD_MS);
      const from = Math.max(soonest, program.deliveryFrom ?? 0);
      this.#run = run;
      this.#from = from;
      if (!former) this.#take(run, from);
      await run.start(program, from, this.#carried);
      signal.throwIfAborted();
      if (former) this.#takeFromFormer(run, from, program);
      this.parts.begin(program.startMs + partStartMs(program.grid, this.#from, 0));
      this.#logger.info({ compositor: run.compositor, fence: run.fence, firstSegment: this.#from }, 'compositor ready');
      return run;
    } catch (error) {
      // When it is being ended, stop() stops the compositor in order.
      if (!signal.aborted || this.#run !== run) run.fail('stopped', 'given up');
      throw error;
    }
  }

  /** The compositor that the program had under another controller goes on until then: no frame is lost. */
  #takeFromFormer(run: CompositorRun, ready: number, { startMs, grid }: Program): void {
    const passed = this.#options.node.clock.now() - startMs;
    const from = Math.max(ready, segmentAtOrAfterMs(grid, passed + TAKE_LEAD_MS));
    this.#from = from;
    this.#take(run, from);
    this.#options.onFormer(partStartMs(grid, from, 0));
  }

  #take({ compositor, fence, back }: CompositorRun, from: number): void {
    this.#hasTaken = true;
    // Before the segment begins: the room gets its first key frame.
    back.begin();
    this.#standby?.outdated(fence);
    this.#delivery?.send({ type: 'take', from, compositor, fence, standby: false });
  }

  /** The one that stands by has the broadcast now, from the next segment on: what is left undone of this one it stands in for. */
  async #promoted(): Promise<CompositorRun | undefined> {
    const [run, program] = [await this.#standby?.release(), this.#options.program()];
    if (!run || !program) return undefined;
    if (this.#abort.signal.aborted) {
      await run.stop();
      return undefined;
    }
    const from = segmentAtOrAfterMs(program.grid, this.#options.node.clock.now() - program.startMs);
    this.#take(run, from);
    this.#switch(run, from, program);
    return run;
  }

  #newStandby(): Standby<CompositorRun> {
    const { program, node } = this.#options;
    return new Standby<CompositorRun>({
      // It is no reason to keep others waiting: without a place it is tried again.
      place: () => this.#seek({ last: this.#run?.agentUrl, waitMs: 0 }),
      carried: () => this.#carried,
      warmMs: () => node.handoffs.warmMs,
      take: ({ compositor, fence }, from) =>
        this.#delivery?.send({ type: 'take', from, compositor, fence, standby: true }),
      ...{ program, clock: node.clock, logger: this.#logger, signal: this.#abort.signal },
    });
  }

  #newMoves(): Moves {
    const { program, node, place, board } = this.#options;
    return new Moves({
      run: () => this.#run,
      isLive: () => board.state === 'live',
      seek: (wish) => this.#seek(wish),
      carried: () => this.#carried,
      take: (run, from) => this.#take(run, from),
      onSwitch: (run, from, known) => this.#switch(run, from, known),
      newFence: () => this.#newFence(),
      ...{ node, place, program, standby: this.#standby, logger: this.#logger, signal: this.#abort.signal },
    });
  }

  #seek(wish: PlaceWish & { onTurn?: () => Promise<void> }): Promise<CompositorRun> {
    this.#newFence();
    return this.#place(wish);
  }

  /** When it is its turn. */
  async #place(wish: PlaceWish & { onTurn?: () => Promise<void> }): Promise<CompositorRun> {
    const { broadcast, room, speakers, board, node, usage, onEncoder, place } = this.#options;
    const { places, mediaIp, newServiceToken, metrics, clock } = node;
    const logger = this.#logger;
    const ask = place.ask({ ...wish, signal: this.#abort.signal });
    const media = { room, speakers, mediaIp, newToken: newServiceToken };
    const run = await placeCompositor({
      ...{ ...media, places, ask, broadcast, fence: this.#fence, clock, logger, metrics },
      ...(wish.onTurn ? { onTurn: wish.onTurn } : {}),
    });
    const isPresent = () => this.#run === run;
    place.follow(run, isPresent);
    const { parts } = this;
    followRun(run, { isPresent, metrics, parts, board, figures: this.#figures, usage, clock, logger });
    run.on('encoder', onEncoder);
    run.on('carry', (sources) => {
      if (isPresent()) this.#carried = sources;
    });
    const gone = () => {
      if (!isPresent()) return;
      this.#run = undefined;
      this.#figures.gone();
      if (board.status.degradation !== 'none') board.set({ degradation: 'none' });
    };
    run.ended.then(gone, gone);
    return run;
  }

  #switch(run: CompositorRun, from: number, { startMs, grid }: Program): void {
    const { board } = this.#options;
    this.#run = run;
    this.#from = from;
    this.#figures.gone();
    if (run.degradation !== 'none') this.#figures.degraded(run.degradation);
    if (board.status.degradation !== run.degradation) board.set({ degradation: run.degradation });
    this.parts.begin(startMs + partStartMs(grid, from, 0));
    this.#logger.info({ compositor: run.compositor, fence: run.fence, from }, 'compositor at work');
    this.emit('moved');
  }
}
