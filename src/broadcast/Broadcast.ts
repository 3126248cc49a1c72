/**
 * One broadcast: from the wish to go live to the closed playlist. Owns its compositor (CompositorRun, one after another) and its
 * place at delivery (DeliveryLink, one for its life). The room's changes go straight to the CompositorRun.
 *
 * Timestamps: program time is the injected monotonic clock minus `startMs`; `epoch` is the wall clock at frame 0 and only a label.
 * Both are chosen once, when the first compositor is bound, and outlive every compositor.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../common/clock.ts';
import { newId } from '../common/ids.ts';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { BroadcastInput, BroadcastState, BroadcastStatus, DestinationInput } from '../contracts/broadcast.ts';
import type { DestinationStatus } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import { partSeconds, partStartMs, segmentAtOrAfterMs } from '../contracts/grid.ts';
import type { BroadcastOptions } from './BroadcastOptions.ts';
import { CompositorFigures } from './CompositorFigures.ts';
import type { Carried, CompositorRun } from './CompositorRun.ts';
import { DeliveryLink } from './DeliveryLink.ts';
import { DestinationBook } from './DestinationBook.ts';
import { type Destination, newDestination, orderOf } from './destinations.ts';
import { followDelivery } from './followDelivery.ts';
import { followRun } from './followRun.ts';
import { encodedWith, type Program } from './jobs.ts';
import { runUsage } from './meterRun.ts';
import { newProgram } from './newProgram.ts';
import { openOrder } from './openOrder.ts';
import { PartWatch } from './PartWatch.ts';
import { placeCompositor } from './placeCompositor.ts';
import { RestartPolicy } from './RestartPolicy.ts';
import type { RoomTap } from './RoomTap.ts';
import { graceMsOf, RoomWatch } from './RoomWatch.ts';
import type { RecordKeeper } from './record/RecordFiles.ts';
import type { Resumed } from './record/resumed.ts';
import { Speakers } from './Speakers.ts';
import { StatusBoard } from './StatusBoard.ts';

/** A successor's first segment begins at least this long after it is bound, ms: some late frames are better than two seconds more of a hole. */
const RESTART_LEAD_MS = 400;
/** A broadcast that is not live after this long has failed, ms. */
const START_LIMIT_MS = 30_000;
/** How long an answer about a scene waits for a compositor that is being replaced, ms; most are there after one or two seconds. */
const APPLY_WAIT_MS = 5_000;
/** One for which no compositor could be had for this long has failed, ms. */
const RECOVERY_LIMIT_MS = 60_000;

export type EndReason = NonNullable<BroadcastStatus['endReason']>;

interface BroadcastEvents {
  state: [state: BroadcastState];
  /** Ended or failed; the last event. */
  closed: [reason: EndReason];
}

/** Monotonic, but that `live` and `recovering` take turns. */
const RANK: Record<BroadcastState, number> = { starting: 0, live: 1, recovering: 1, ending: 2, ended: 3, failed: 3 };

export class Broadcast extends TypedEmitter<BroadcastEvents> {
  readonly id: string;
  readonly room: RoomTap;
  readonly #input: BroadcastInput;
  readonly #options: BroadcastOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #board: StatusBoard;
  readonly #abort = new AbortController();
  readonly #destinations: DestinationBook;
  readonly #restarts = new RestartPolicy();
  readonly #figures: CompositorFigures;
  readonly #parts: PartWatch;
  readonly #speakers: Speakers;
  readonly #resumed: Resumed | undefined;
  readonly #keeper: RecordKeeper | undefined;
  #program: Program | undefined;
  #delivery: DeliveryLink | undefined;
  #run: CompositorRun | undefined;
  #fence: number;
  #carried: Record<string, Carried> = {};
  #watch: RoomWatch | undefined;
  #supervising: Promise<void> = Promise.resolve();
  #ending: Promise<BroadcastStatus> | undefined;

  /** `resumed`: it goes on where a process that died had it. */
  constructor(
    room: RoomTap,
    input: BroadcastInput,
    destinations: readonly Destination[],
    options: BroadcastOptions,
    resumed?: Resumed,
  ) {
    super();
    this.id = resumed?.id ?? newId('b');
    this.#resumed = resumed;
    this.#fence = resumed?.fence ?? 0;
    this.#keeper = options.records?.keeper(this.id);
    this.room = room;
    this.#input = input;
    this.#options = options;
    this.#clock = options.clock;
    this.#logger = options.logger.child({ room: room.id, broadcast: this.id });
    this.#figures = new CompositorFigures(options.metrics);
    this.#parts = new PartWatch(options.clock);
    this.#speakers = new Speakers(room, options.clock);
    this.#board = new StatusBoard({ id: this.id, room: room.id, input, onStatus: options.onStatus });
    this.#destinations = new DestinationBook({
      ...{ room: room.id, broadcast: this.id, board: this.#board, keys: options.streamKeys },
      ...(options.onDestination ? { onDestination: options.onDestination } : {}),
    });
    this.#destinations.addAll(destinations);
  }

  get status(): BroadcastStatus {
    return this.#board.status;
  }

  /** Resolves when it is live. Throws AppError when it can not go live; then it has failed. */
  async start(): Promise<BroadcastStatus> {
    if (this.#resumed) this.#advance('recovering');
    const graceMs = graceMsOf(this.#input, this.#resumed !== undefined);
    this.#watch = new RoomWatch(this.room, graceMs, (why) => this.#endBecause(why));
    const live = new Promise<void>((resolve, reject) => {
      this.on('state', (state) => {
        if (state === 'live') resolve();
      });
      this.#supervising = this.#supervise().catch((error: unknown) => {
        const given = new AppError('internal', 'The broadcast could not be started.', { cause: error });
        reject(error instanceof AppError ? error : given);
        this.#fail(error);
      });
      this.once('closed', (reason) => {
        const stopped = new AppError('conflict', 'The broadcast was stopped before it was live.');
        reject(reason === 'failed' ? new AppError('internal', 'The broadcast could not be started.') : stopped);
      });
    });
    await live;
    return this.status;
  }

  /** Idempotent: the first reason stays. Resolves when playlists are closed and destinations are gone. */
  stop(reason: EndReason): Promise<BroadcastStatus> {
    this.#ending ??= this.#end(reason);
    return this.#ending;
  }

  async addDestination(input: DestinationInput): Promise<DestinationStatus> {
    const destination = await newDestination(input, this.#options.destinationPolicy);
    if (RANK[this.#board.state] > 1) throw new AppError('no-broadcast');
    this.#destinations.add(destination);
    this.#save();
    this.#delivery?.send({ type: 'add-destination', destination: orderOf(destination) });
    this.#logger.info({ destination: destination.status.id }, 'destination added');
    return destination.status;
  }

  removeDestination(id: string): void {
    this.#destinations.remove(id, this.#delivery !== undefined);
    this.#save();
    this.#delivery?.send({ type: 'remove-destination', id });
    this.#logger.info({ destination: id }, 'destination removed');
  }

  /**
   * Sends the room as it is at once; the frame from which it holds. While its compositor is being replaced the successor's first frame is
   * waited for a while; null when that is not known then, or the broadcast ends: who comes begins with the scene.
   */
  async applyScene(): Promise<number | null> {
    const until = this.#clock.now() + APPLY_WAIT_MS;
    for (;;) {
      if (this.#board.state === 'live' && this.#run) return this.#run.apply();
      const left = until - this.#clock.now();
      if (RANK[this.#board.state] > 1 || left <= 0) return null;
      const moved = new Promise<void>((resolve) => this.once('state', () => resolve()));
      await Promise.race([moved, delay(left, undefined, { ref: false })]);
    }
  }

  #endBecause(reason: EndReason): void {
    this.stop(reason).catch((error: unknown) => this.#logger.error({ err: error }, 'broadcast did not end cleanly'));
  }

  #fail(error: unknown): void {
    if (this.#ending) return;
    this.#logger.error({ err: error }, 'broadcast failed');
    this.#endBecause('failed');
  }

  /** Keeps a compositor at work until the end. Throws when none is to be had for long. */
  async #supervise(): Promise<void> {
    const { signal } = this.#abort;
    const wishedAt = this.#clock.now();
    let downAt = wishedAt;
    let why = 'start';
    for (;;) {
      let liveAt = 0;
      try {
        const run = await this.#bringUp(signal);
        liveAt = this.#clock.now();
        this.#live(liveAt - downAt);
        const { reason, message } = await run.ended;
        if (signal.aborted) return;
        why = reason;
        downAt = this.#clock.now();
        this.#logger.warn({ compositor: run.compositor, reason, message }, 'compositor lost');
        this.#board.set({ restarts: this.#board.status.restarts + 1, fps: 0 });
        this.#options.metrics.restarts.inc({ reason });
        this.#advance('recovering');
      } catch (error) {
        if (signal.aborted) return;
        const starting = this.#board.state === 'starting';
        const limit = starting ? START_LIMIT_MS : RECOVERY_LIMIT_MS;
        const code = error instanceof AppError ? error.code : null;
        // Nobody has seen anything yet; or delivery has ended it.
        const hopeless = (starting && !this.#program && code === 'no-capacity') || code === 'conflict';
        if (hopeless || this.#clock.now() - downAt > limit) throw error;
        this.#logger.warn({ err: error, why }, 'no compositor yet');
      }
      const wait = this.#restarts.nextWaitMs(liveAt ? this.#clock.now() - liveAt : 0);
      await delay(wait, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
    }
  }

  #live(tookMs: number): void {
    const starting = this.#board.state === 'starting';
    const { startSeconds, recoverySeconds } = this.#options.metrics;
    (starting ? startSeconds : recoverySeconds).observe(tookMs / 1000);
    this.#advance('live');
  }

  /** A compositor that is ready and feeds delivery. Throws when there is none to be had, when it ends before, and when aborted. */
  async #bringUp(signal: AbortSignal): Promise<CompositorRun> {
    this.#fence = Math.max(this.#fence + 1, Math.floor(this.#options.wallClock()));
    const first = this.#program === undefined && !this.#resumed;
    const run = await this.#place(signal);
    try {
      const program = await this.#programFor();
      this.#save();
      const delivery = await this.#openDelivery(program);
      signal.throwIfAborted();
      const passed = this.#clock.now() - program.startMs;
      const from = first ? 0 : segmentAtOrAfterMs(program.grid, passed + RESTART_LEAD_MS);
      this.#run = run;
      delivery.send({ type: 'take', from, compositor: run.compositor, fence: run.fence });
      await run.start(program, from, this.#carried);
      signal.throwIfAborted();
      this.#parts.begin(program.startMs + partStartMs(program.grid, from, 0));
      this.#logger.info({ compositor: run.compositor, fence: run.fence, firstSegment: from }, 'compositor ready');
      return run;
    } catch (error) {
      // When it is being ended, #end() stops the compositor in order.
      if (!signal.aborted || this.#run !== run) run.fail('stopped', 'given up');
      throw error;
    }
  }

  async #place(signal: AbortSignal): Promise<CompositorRun> {
    const { directory, mediaIp, newServiceToken, metrics } = this.#options;
    const run = await placeCompositor({
      directory,
      room: this.room,
      speakers: this.#speakers,
      broadcast: this.id,
      fence: this.#fence,
      mediaIp,
      clock: this.#clock,
      newToken: newServiceToken,
      signal,
      logger: this.#logger,
      metrics,
    });
    followRun(run, {
      isPresent: () => this.#run === run,
      metrics,
      parts: this.#parts,
      board: this.#board,
      figures: this.#figures,
      usage: runUsage(this.#options, this.room.id, this.#input.tenant),
      logger: this.#logger,
    });
    run.on('encoder', (codec) => {
      const program = this.#program;
      if (!program?.encoder.fallback) return;
      const wanted = program.encoder.codec;
      if (codec !== wanted)
        this.#logger.warn({ wanted, codec }, 'the video encoder cannot be opened; another stands in');
      this.#program = encodedWith(program, codec);
      this.#save();
    });
    run.on('carry', (sources) => {
      if (this.#run === run) this.#carried = sources;
    });
    const gone = () => {
      if (this.#run !== run) return;
      this.#run = undefined;
      this.#figures.gone();
      if (this.#board.status.degradation !== 'none') this.#board.set({ degradation: 'none' });
    };
    run.ended.then(gone, gone);
    return run;
  }

  /** Chosen once; then the program's clock runs for the broadcast's whole life. */
  async #programFor(): Promise<Program> {
    if (this.#program) return this.#program;
    const { directory, assetsUrl, wallClock } = this.#options;
    const deliveryUrl = await directory.delivery(this.id);
    const chosen = this.#resumed?.program ?? newProgram(this.#input, this.#options);
    const program: Program = { broadcast: this.id, ...chosen, deliveryUrl, assetsUrl };
    this.#program = program;
    this.#board.set({ startedAt: program.epoch });
    this.#keeper?.beat(() => ({ programMs: this.#clock.now() - program.startMs, at: wallClock() }));
    return program;
  }

  /** Writes down what another process needs to go on with it; before the first frame, and after each change. */
  #save(): void {
    if (!this.#program || this.#ending) return;
    this.#keeper?.save({
      id: this.id,
      room: this.room.id,
      input: this.#input,
      program: this.#program,
      fence: this.#fence,
      destinations: this.#destinations.all,
      failures: this.#resumed?.failures ?? 0,
    });
  }

  async #openDelivery(program: Program): Promise<DeliveryLink> {
    if (this.#delivery) return this.#delivery;
    const delivery = await DeliveryLink.open({
      deliveryUrl: program.deliveryUrl,
      newToken: this.#options.newServiceToken,
      order: () =>
        openOrder(program, {
          room: this.room.id,
          input: this.#input,
          destinations: this.#destinations.all,
          fence: this.#fence,
        }),
      clock: this.#clock,
      logger: this.#logger,
    });
    followDelivery(delivery, {
      destinations: this.#destinations,
      parts: this.#parts,
      board: this.#board,
      clock: this.#clock,
      logger: this.#logger,
      onLate: (count, segment) => this.#onLate(count, segment),
    });
    delivery.once('failed', (error) => this.#fail(error));
    this.#delivery = delivery;
    return delivery;
  }

  #onLate(count: number, segment: number): void {
    const run = this.#run;
    if (!run || !this.#program || this.#board.state !== 'live' || segment < run.firstSegment) return;
    if (this.#parts.isGone(count, partSeconds(this.#program.grid) * 1000))
      run.fail('unresponsive', 'delivery gets no parts');
  }

  /** First the compositor, so that its last parts are in the playlist; then delivery. Bounded by their own limits. */
  async #end(reason: EndReason): Promise<BroadcastStatus> {
    this.#advance('ending');
    this.#keeper?.remove();
    this.#watch?.close();
    this.#speakers.close();
    const run = this.#run;
    this.#abort.abort();
    await run?.stop();
    // Race: a compositor that is just being brought up may still open the broadcast at delivery.
    await this.#supervising;
    await this.#delivery?.end();
    this.#destinations.close();
    const endedAt = Math.round(this.#options.wallClock());
    this.#board.set({ endedAt, endReason: reason, fps: 0, bitrate: 0, viewers: 0 });
    this.#advance(reason === 'failed' ? 'failed' : 'ended', { reason });
    this.#board.close();
    this.#options.metrics.ended.inc({ reason });
    this.emit('closed', reason);
    return this.status;
  }

  #advance(next: BroadcastState, why: { reason?: EndReason } = {}): boolean {
    const { state } = this.#board;
    const turn = (state === 'live' && next === 'recovering') || (state === 'recovering' && next === 'live');
    if (RANK[next] <= RANK[state] && !turn) return false;
    this.#board.set({ state: next });
    this.#logger.info({ state: `${state} -> ${next}`, ...why }, 'broadcast moved');
    this.emit('state', next);
    return true;
  }
}
