/**
 * One broadcast: from the wish to go live to the closed playlist. Owns its compositors (CompositorKeeper.ts) and its place at delivery
 * (DeliveryPlace). The room's changes go straight to the CompositorRun.
 *
 * Timestamps: program time is the injected monotonic clock minus `startMs`; `epoch` is the wall clock at frame 0 and only a label.
 * Both are chosen once, when the first compositor is bound, and outlive every compositor.
 */
import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { BroadcastInput, BroadcastState, BroadcastStatus, DestinationInput } from '../contracts/broadcast.ts';
import type { DestinationStatus } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import type { VideoCodec } from '../contracts/job.ts';
import { applyScene } from './applyScene.ts';
import type { BroadcastBeginning } from './BroadcastBeginning.ts';
import type { BroadcastOptions } from './BroadcastOptions.ts';
import { CompositorKeeper } from './CompositorKeeper.ts';
import type { DeliveryLink } from './DeliveryLink.ts';
import { DeliveryPlace } from './DeliveryPlace.ts';
import { DestinationBook } from './DestinationBook.ts';
import { newDestination, orderOf } from './destinations.ts';
import { encodedWith, type Program } from './jobs.ts';
import { mayMove, notYet } from './mayMove.ts';
import { meterFormer, runUsage } from './meterRun.ts';
import { newProgram } from './newProgram.ts';
import { BroadcastPlace } from './place/BroadcastPlace.ts';
import { joinBalance } from './place/joinBalance.ts';
import type { Waits } from './place/Ticket.ts';
import type { RoomTap } from './RoomTap.ts';
import { graceMsOf, RoomWatch } from './RoomWatch.ts';
import { Ownership } from './record/Ownership.ts';
import { RecordWriter } from './record/RecordWriter.ts';
import type { Resumed } from './record/resumed.ts';
import { requestHandover } from './requestHandover.ts';
import { Speakers } from './Speakers.ts';
import { StatusBoard, type WaitStatus } from './StatusBoard.ts';
import { switchRecording } from './switchRecording.ts';

export type EndReason = NonNullable<BroadcastStatus['endReason']>;

interface BroadcastEvents {
  state: [state: BroadcastState];
  /** Ended or failed; the last event. */
  closed: [reason: EndReason];
  /** It goes on, and another node has it or is to have it; the last event. */
  left: [];
}

export class Broadcast extends TypedEmitter<BroadcastEvents> {
  readonly id: string;
  readonly room: RoomTap;
  readonly #input: BroadcastInput;
  readonly #options: BroadcastOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #board: StatusBoard;
  readonly #destinations: DestinationBook;
  readonly #speakers: Speakers;
  readonly #place: BroadcastPlace;
  readonly #compositors: CompositorKeeper;
  readonly delivery: DeliveryPlace;
  readonly #resumed: Resumed | undefined;
  readonly #record: RecordWriter;
  /** Another process had it before. */
  readonly #inherited: boolean;
  /** It has waited for its first compositor: it is written down. */
  #pending: boolean;
  readonly #after: Promise<unknown> | undefined;
  #owner: Ownership | undefined;
  #program: Program | undefined;
  #watch: RoomWatch | undefined;
  #leaveBalance: (() => void) | undefined;
  #supervising: Promise<void> = Promise.resolve();
  #ending: Promise<BroadcastStatus> | undefined;

  /** Throws AppError `conflict` when another broadcast of this node pushes to one of the stream keys. */
  constructor(
    room: RoomTap,
    input: BroadcastInput,
    { id, destinations, resumed, queuedAt, after, owner }: BroadcastBeginning,
    options: BroadcastOptions,
  ) {
    super();
    this.id = id;
    this.#resumed = resumed;
    this.#inherited = resumed !== undefined || queuedAt !== undefined;
    this.#pending = queuedAt !== undefined;
    this.#after = after;
    this.#owner = owner;
    this.room = room;
    this.#input = input;
    this.#options = options;
    this.#clock = options.clock;
    this.#logger = options.logger.child({ room: room.id, broadcast: this.id });
    const { records, clock, wallClock } = options;
    this.#record = new RecordWriter({ id, room, input, failures: resumed?.failures ?? 0, records, clock, wallClock });
    this.#speakers = new Speakers(room, options.clock);
    this.#board = new StatusBoard({ id: this.id, room: room.id, input, onStatus: options.onStatus });
    this.#destinations = new DestinationBook({
      ...{ room: room.id, broadcast: this.id, board: this.#board, keys: options.streamKeys },
      ...(options.onDestination ? { onDestination: options.onDestination } : {}),
    });
    this.#destinations.addAll(destinations);
    this.#place = new BroadcastPlace({
      ...{ broadcast: this.id, room, input, node: options, resumed: resumed !== undefined, queuedAt },
      program: () => this.#program,
    });
    this.#place.on('waiting', (waits) => this.#waits(waits));
    this.#compositors = new CompositorKeeper({
      ...{ broadcast: this.id, room, node: options, board: this.#board, speakers: this.#speakers },
      ...{ place: this.#place, logger: this.#logger },
      usage: runUsage(options, room.id, input.tenant),
      standby: input.standby,
      fence: resumed?.fence ?? 0,
      resumed: resumed !== undefined,
      program: () => this.#program,
      prepare: () => this.#prepare(),
      onEncoder: (codec) => this.#encodedWith(codec),
      onFence: () => void this.#save(),
      onFormer: (untilMs) => meterFormer(this.id, runUsage(options, room.id, input.tenant), resumed, untilMs),
    });
    this.delivery = new DeliveryPlace({
      ...{ room: room.id, input, node: options, destinations: this.#destinations, compositors: this.#compositors },
      ...{ board: this.#board, logger: this.#logger },
      // Not a compositor's: those grow with the wall clock, also of a controller that has slept while another took over.
      fence: () => this.#owner?.fence ?? this.#compositors.fence,
      program: () => this.#program,
      onProgram: (program) => {
        this.#program = program;
      },
      onMoved: () => void this.#save(),
      onFailed: (error) => this.#fail(error),
    });
    this.#compositors.on('live', (tookMs) => this.#live(tookMs));
    this.#compositors.on('lost', () => this.#advance('recovering'));
  }

  /** It is written down, by us or by whoever had it before: another node could go on with it. */
  get isKept(): boolean {
    return this.#program !== undefined || this.#resumed !== undefined || this.#pending;
  }

  get status(): BroadcastStatus {
    return this.#board.status;
  }

  /** Resolves when it is live, or waits for a place. Throws AppError when it can not go live; then it has failed. */
  async start(): Promise<BroadcastStatus> {
    if (this.#resumed) this.#advance('recovering');
    this.#watch = new RoomWatch(this.room, graceMsOf(this.#input, this.#inherited), (why) => this.#endBecause(why));
    const live = new Promise<void>((resolve, reject) => {
      this.on('state', (state) => {
        if (state === 'live') resolve();
      });
      this.#place.on('waiting', (waits) => {
        if (waits) resolve();
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
      this.once('left', () => reject(new AppError('wrong-node')));
    });
    await live;
    return this.status;
  }

  /**
   * Another node has it, or is to have it: nothing is ended, and delivery and the compositor at work wait for the next controller.
   * Idempotent; nothing happens to what ends already.
   */
  async letGo(): Promise<void> {
    const leaving = this.#ending === undefined;
    this.#ending ??= this.#leave();
    await this.#ending;
    if (leaving) this.emit('left');
  }

  /** Idempotent: the first reason stays. Resolves when playlists are closed and destinations are gone. */
  stop(reason: EndReason): Promise<BroadcastStatus> {
    this.#ending ??= this.#end(reason);
    return this.#ending;
  }

  async addDestination(input: DestinationInput): Promise<DestinationStatus> {
    const destination = await newDestination(input, this.#options.destinationPolicy);
    await this.#destinations.reserve(destination);
    if (this.#ending) {
      this.#options.streamKeys.release(destination.identity, destination.status.id);
      throw new AppError('no-broadcast');
    }
    this.#destinations.add(destination);
    void this.#save();
    this.delivery.link?.send({ type: 'add-destination', destination: orderOf(destination) });
    this.#logger.info({ destination: destination.status.id }, 'destination added');
    return destination.status;
  }

  removeDestination(id: string): void {
    this.#destinations.remove(id, this.delivery.link !== undefined);
    void this.#save();
    this.delivery.link?.send({ type: 'remove-destination', id });
    this.#logger.info({ destination: id }, 'destination removed');
  }

  /** Begins a recording, or ends it (switchRecording.ts). */
  async record(on: boolean): Promise<BroadcastStatus> {
    await switchRecording({ input: this.#input, board: this.#board, delivery: this.delivery }, on, () => this.#save());
    return this.status;
  }

  /** The frame from which it holds; null when that is not known (applyScene.ts). */
  applyScene(): Promise<number | null> {
    const moved = () => new Promise<void>((resolve) => this.once('state', () => resolve()));
    return applyScene({ board: this.#board, run: () => this.#compositors.run, moved, clock: this.#clock });
  }

  /** To a compositor of another agent, without a frame lost. AppError `no-capacity` when there is none, `conflict` when it is not live or came to nothing. */
  async handOver(): Promise<BroadcastStatus> {
    await requestHandover(this.#board, this.#compositors);
    return this.status;
  }

  #endBecause(reason: EndReason): void {
    // A room that is closed here since it is at home elsewhere is not closed.
    const away = reason === 'room-closed' && this.#options.isHome?.(this.room.id) === false;
    const over: Promise<unknown> = away ? this.letGo() : this.stop(reason);
    over.catch((error: unknown) => this.#logger.error({ err: error }, 'broadcast did not end cleanly'));
  }

  #fail(error: unknown): void {
    if (this.#ending) return;
    if (error instanceof AppError && error.code === 'stale-fence') {
      this.#lost();
      return;
    }
    this.#logger.error({ err: error }, 'broadcast failed');
    this.#endBecause('failed');
  }

  #live(tookMs: number): void {
    const starting = notYet(this.#board.state);
    const { startSeconds, recoverySeconds } = this.#options.metrics;
    if (starting) startSeconds.observe(Math.max(0, tookMs - this.#place.waitedMs) / 1000);
    else recoverySeconds.observe(tookMs / 1000);
    this.#advance('live');
  }

  #waits(waits: Waits | null): void {
    const change = { position: waits?.position ?? null, waitReason: waits?.reason ?? null };
    if (notYet(this.#board.state)) this.#advance(waits ? 'pending' : 'starting', {}, change);
    this.#board.waits(change);
    if (!waits || this.#program || this.#resumed || this.#pending || !this.#options.records) return;
    this.#pending = true;
    void this.#save();
  }

  /** Another node's controller has it. */
  #lost(): void {
    if (this.#ending) return;
    this.#logger.warn('another node has the broadcast: let go');
    this.letGo().catch((error: unknown) => this.#logger.error({ err: error }, 'the broadcast was not let go in order'));
  }

  async #supervise(): Promise<void> {
    const { directory, streamKeys } = this.#options;
    const of = { id: this.id, room: this.room.id };
    const owner = this.#owner ?? (await Ownership.claim({ directory, logger: this.#logger }, of));
    this.#owner = owner;
    if (this.#ending) return owner.end();
    owner.once('lost', () => this.#lost());
    if (!owner.held) return this.#lost();
    this.#record.own(owner);
    this.#compositors.atLeast(owner.fence);
    this.#leaveBalance = joinBalance(this.#options.balance, {
      ...{ broadcast: this.id, owner, compositors: this.#compositors, place: this.#place, board: this.#board },
    });
    streamKeys.on('lost', this.#onKeyLost);
    this.room.on('changed', this.#onRoom);
    if (this.#inherited) await this.#destinations.adopt(owner.fence);
    if (this.#pending) await this.#save();
    await this.#after;
    await this.#compositors.supervise();
  }

  readonly #onRoom = (): void => {
    if (this.#program && this.#record.stale) void this.#save();
  };

  readonly #onKeyLost = (id: string): void => {
    if (this.#ending || !this.#destinations.all.some(({ status }) => status.id === id)) return;
    this.#logger.error({ destination: id }, 'another broadcast has the stream key: destination removed');
    this.removeDestination(id);
  };

  async #prepare(): Promise<{ program: Program; delivery: DeliveryLink }> {
    const chosen = await this.#programFor();
    // Nobody sees a frame of what nobody else could go on with.
    await this.#save();
    const delivery = await this.delivery.open();
    // Race: it may have gone to another delivery node since.
    return { program: this.#program ?? chosen, delivery };
  }

  #encodedWith(codec: VideoCodec): void {
    const program = this.#program;
    if (!program?.encoder.fallback) return;
    const wanted = program.encoder.codec;
    if (codec !== wanted) this.#logger.warn({ wanted, codec }, 'the video encoder cannot be opened; another stands in');
    this.#program = encodedWith(program, codec);
    void this.#save();
  }

  /** Chosen once; then the program's clock runs for the broadcast's whole life. */
  async #programFor(): Promise<Program> {
    if (this.#program) return this.#program;
    const { directory, assetsUrl } = this.#options;
    const deliveryUrl = await directory.delivery(this.id);
    const chosen = this.#resumed?.program ?? newProgram(this.#input, this.#options);
    const program: Program = { broadcast: this.id, ...chosen, deliveryUrl, assetsUrl };
    this.#program = program;
    this.#board.set({ startedAt: program.epoch });
    this.#record.begin(program);
    return program;
  }

  /** Writes down what another process needs to go on with it; before the first frame, and after each change. Never rejects. */
  async #save(): Promise<void> {
    const program = this.#program;
    if (this.#ending) return;
    const { all: destinations } = this.#destinations;
    const { newestFence: fence } = this.#compositors;
    if (program) await this.#record.save({ program, fence, destinations });
    else if (this.#pending) await this.#record.wait({ queuedAt: this.#place.queuedAt, destinations });
  }

  async #leave(): Promise<BroadcastStatus> {
    // Should the directory not be told of it, or nobody else be there, a process that follows on this machine goes on with it.
    if (this.#owner?.held) this.#record.close();
    this.#quiet();
    this.#compositors.letGo();
    this.delivery.close();
    await this.#supervising;
    this.delivery.close();
    this.#destinations.letGo();
    this.#board.close();
    await this.#owner?.handOn();
    this.#logger.info('broadcast let go');
    return this.status;
  }

  /** Nothing more comes from outside. */
  #quiet(): void {
    this.#record.remove();
    this.#leaveBalance?.();
    this.#watch?.close();
    this.#speakers.close();
    this.#place.close();
    this.room.off('changed', this.#onRoom);
    this.#options.streamKeys.off('lost', this.#onKeyLost);
  }

  /** First the compositor, so that its last parts are in the playlist; then delivery. Bounded by their own limits. */
  async #end(reason: EndReason): Promise<BroadcastStatus> {
    this.#advance('ending');
    this.#quiet();
    await this.#compositors.stop();
    // Race: a compositor that is just being brought up may still open the broadcast at delivery.
    await this.#supervising;
    await this.delivery.end();
    this.#destinations.close();
    await this.#owner?.end();
    const endedAt = Math.round(this.#options.wallClock());
    this.#board.set({
      ...{ endedAt, endReason: reason, fps: 0, bitrate: 0, viewers: 0, position: null, waitReason: null },
      // Nothing was ever recorded of one that only waited.
      ...(this.#program ? {} : { recording: null }),
    });
    this.#advance(reason === 'failed' ? 'failed' : 'ended', { reason });
    this.#board.close();
    this.#options.metrics.ended.inc({ reason });
    this.emit('closed', reason);
    return this.status;
  }

  #advance(next: BroadcastState, why: { reason?: EndReason } = {}, change: Partial<WaitStatus> = {}): boolean {
    const { state } = this.#board;
    if (!mayMove(state, next)) return false;
    this.#board.set({ ...change, state: next });
    this.#logger.info({ state: `${state} -> ${next}`, ...why }, 'broadcast moved');
    this.emit('state', next);
    return true;
  }
}
