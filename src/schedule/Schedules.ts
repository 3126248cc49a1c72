/**
 * The broadcasts that start by themselves, of all rooms. In: what hosts and the API want, and the directory's kind `schedule`, where each is kept
 * under the fence of its room's home (without a fleet on the disk, too). Out: at the time, the order to start, to Broadcasts.ts.
 *
 * Every SFU node looks at the clock; at the time each asks to be the room's home, and only the home starts it. So it is started at most once: a
 * schedule has the id of its broadcast from the beginning, and whoever comes second, after a crash, finds that broadcast at work, or is refused
 * by the directory. A node that can not say whose the room is tries again, until START_WITHIN_MS after the time.
 */
import { type CheckDestination, newDestination } from '../broadcast/destinations.ts';
import { destinationsOf } from '../broadcast/record/BroadcastRecord.ts';
import { newId } from '../common/ids.ts';
import type { Logger } from '../common/logger.ts';
import type { SecretBox } from '../common/SecretBox.ts';
import { BroadcastInput, type BroadcastStatus } from '../contracts/broadcast.ts';
import { AppError, type ErrorCode } from '../contracts/errors.ts';
import { RoomId } from '../contracts/ids.ts';
import { type Schedule, type ScheduleInput, START_WITHIN_MS } from '../contracts/schedule.ts';
import type { Directory } from '../directory/Directory.ts';
import type { ScheduledStart } from '../directory/entries.ts';
import type { RoomHomes } from '../directory/RoomHomes.ts';
import type { View } from '../directory/View.ts';
import type { ScheduleService } from './ScheduleService.ts';
import type { ScheduleStore } from './ScheduleStore.ts';
import { prepared, scheduledOf, startOf, toSchedule } from './scheduleRecord.ts';

/** A clock that is set is noticed, and a timer is never longer than it may be (setTimeout: 24 days), ms. */
const LOOK_MS = 30_000;
/** Where it could not be started for a reason that passes, ms. */
const RETRY_MS = 1_000;
/** One that has failed is told for so long, ms. */
const FAILED_MS = 86_400_000;
/** The room is not ours to say, or nobody's just now: no fault of the broadcast. */
const PASSING: readonly ErrorCode[] = ['wrong-node', 'directory-unavailable', 'shutting-down', 'no-capacity'];

export type ScheduleEvent = 'schedule.set' | 'schedule.cancelled' | 'schedule.failed';

export interface SchedulesOptions {
  directory: Pick<Directory, 'watch' | 'find' | 'hold' | 'readiness'>;
  homes: Pick<RoomHomes, 'isOwn' | 'fenceOf' | 'on'>;
  /** Resolves when the room is at home here; throws AppError `wrong-node`, `directory-unavailable`. */
  claim: (room: string) => Promise<void>;
  /** Without a fleet: where they outlive the process. */
  store: ScheduleStore | undefined;
  box: SecretBox;
  destinationPolicy: CheckDestination;
  /** Opens the room, and starts the broadcast under the id and with the destinations that are given; the room's running one when it is live. */
  start: (room: string, input: BroadcastInput, as: StartAs) => Promise<BroadcastStatus>;
  /** The room's running or newest broadcast. */
  status: (room: string) => BroadcastStatus | null;
  /** Something has changed, here: people in the room and the user's own server are told. */
  onChange: (room: string, schedule: Schedule | null, event: ScheduleEvent | null, of: Schedule) => void;
  /** ms since 1970. */
  now?: () => number;
  logger: Logger;
}

export type StartAs = { id: string; destinations: ReturnType<typeof destinationsOf>['known'] };

export class Schedules implements ScheduleService {
  readonly #options: SchedulesOptions;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #view: View<'schedule'>;
  /** What was written here since the room is at home here: the view hears of it a moment later. null: none. */
  readonly #written = new Map<string, ScheduledStart | null>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #starting = new Map<string, Promise<BroadcastStatus>>();
  #state: 'made' | 'open' | 'closed' = 'made';

  private constructor(options: SchedulesOptions, view: View<'schedule'>) {
    this.#options = options;
    this.#logger = options.logger.child({ part: 'schedule' });
    this.#now = options.now ?? Date.now;
    this.#view = view;
    // Another home may have changed it since it was ours last.
    options.homes.on('acquired', (room) => this.#written.delete(room));
    view.on('changed', ({ id }) => this.#arm(id));
    view.on('gone', ({ id }) => this.#arm(id));
  }

  /** Nothing is started before `open`. */
  static async create(options: SchedulesOptions): Promise<Schedules> {
    return new Schedules(options, await options.directory.watch('schedule'));
  }

  /** From now on they are started. What a process before us has live is known by then. */
  async open(): Promise<void> {
    if (this.#state !== 'made') return;
    this.#state = 'open';
    for (const kept of this.#options.store?.all() ?? []) {
      await this.#options.claim(kept.room);
      await this.#write(kept.room, kept);
    }
    for (const { id } of this.#view.entries) this.#arm(id);
  }

  get(room: string): Schedule | null {
    const kept = this.#kept(room);
    return kept && toSchedule(kept);
  }

  async set(room: RoomId, input: ScheduleInput): Promise<Schedule> {
    // A directory that settles holds the claim up: the time counts from when it was asked for.
    const now = this.#now();
    startOf(input, now);
    const last = await this.#changeable(room);
    const what = await this.#prepare(room, input.broadcast, last);
    const kept = scheduledOf(what, input, last, now);
    await this.#write(room, kept);
    this.#logger.info({ room, broadcast: kept.id, startsAt: kept.startsAt }, 'broadcast scheduled');
    return this.#tell(room, kept, 'schedule.set');
  }

  async cancel(room: RoomId): Promise<void> {
    const kept = there(await this.#changeable(room));
    await this.#write(room, null);
    this.#logger.info({ room, broadcast: kept.id }, 'scheduled broadcast called off');
    this.#tell(room, kept, 'schedule.cancelled');
  }

  async back(room: RoomId): Promise<void> {
    const { before, ...rest } = there(await this.#changeable(room));
    if (before === null || before <= this.#now()) return this.cancel(room);
    const kept = { ...rest, before: null, startsAt: before };
    await this.#write(room, kept);
    this.#logger.info({ room, broadcast: kept.id, startsAt: before }, 'countdown stopped');
    this.#tell(room, kept, 'schedule.set');
  }

  async start(room: RoomId): Promise<BroadcastStatus> {
    return this.#start(room, there(await this.#newest(room)));
  }

  /** Starts nothing any more; what is kept stays. Idempotent. */
  close(): void {
    this.#state = 'closed';
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #kept(room: string): ScheduledStart | null {
    const written = this.#options.homes.isOwn(room) ? this.#written.get(room) : undefined;
    return written === undefined ? (this.#view.get(room)?.data ?? null) : written;
  }

  /** As it is now, at its home, before it is changed. Throws AppError `conflict` while it is just being started. */
  async #changeable(room: string): Promise<ScheduledStart | null> {
    const kept = await this.#newest(room);
    if (this.#starting.has(room)) throw new AppError('conflict', 'The broadcast is just being started.');
    return kept;
  }

  /** As it is now, at its home. */
  async #newest(room: string): Promise<ScheduledStart | null> {
    await this.#options.claim(room);
    const written = this.#written.get(room);
    if (written !== undefined) return written;
    return (await this.#options.directory.find('schedule', room))?.data ?? null;
  }

  /** Another input is another broadcast, with an id of its own. */
  async #prepare(room: RoomId, input: BroadcastInput | undefined, last: ScheduledStart | null) {
    const { box, destinationPolicy } = this.#options;
    const again = last?.state === 'failed' ? { ...last, id: newId('b') } : last;
    if (!input && again) {
      const { version, id, input: before, destinations } = again;
      return { version, id, room, input: before, destinations };
    }
    const wanted = input ?? BroadcastInput.parse({});
    const destinations = await Promise.all(wanted.destinations.map((d) => newDestination(d, destinationPolicy)));
    return prepared({ id: newId('b'), room, input: wanted, destinations }, box);
  }

  /** Under the fence of the room's home: who was it before can not write over it any more. */
  async #write(room: string, kept: ScheduledStart | null): Promise<void> {
    const { directory, homes, store } = this.#options;
    const fence = homes.fenceOf(room);
    const before = this.#kept(room);
    if (fence === null) throw new AppError('wrong-node');
    if (kept) store?.save(kept);
    else store?.remove(room);
    this.#written.set(room, kept);
    const data = kept ?? before;
    if (data) {
      const lease = await directory.hold('schedule', room, data, fence);
      if (!kept) await lease.release();
      if (lease.state === 'lost') throw new AppError('wrong-node');
    }
    this.#arm(room);
  }

  #tell(room: string, of: ScheduledStart, event: ScheduleEvent | null): Schedule {
    const schedule = toSchedule(of);
    this.#options.onChange(room, this.get(room), event, schedule);
    return schedule;
  }

  #arm(room: string): void {
    clearTimeout(this.#timers.get(room));
    this.#timers.delete(room);
    const kept = this.#kept(room);
    if (this.#state !== 'open' || !kept) return;
    const at = kept.state === 'failed' ? kept.startsAt + FAILED_MS : kept.startsAt;
    this.#wake(room, Math.min(LOOK_MS, Math.max(0, at - this.#now())));
  }

  #wake(room: string, inMs: number): void {
    clearTimeout(this.#timers.get(room));
    this.#timers.set(room, setTimeout(() => void this.#look(room), inMs).unref());
  }

  async #look(room: string): Promise<void> {
    const kept = this.#kept(room);
    const at = kept?.state === 'failed' ? kept.startsAt + FAILED_MS : kept?.startsAt;
    if (at === undefined || at > this.#now()) return this.#arm(room);
    try {
      await this.#due(RoomId.parse(room));
    } catch (error) {
      this.#logger.debug({ err: error, room }, 'a scheduled broadcast is not started here now');
      // Its home may be gone before it has started it.
      if (this.#state === 'open') this.#wake(room, RETRY_MS);
    }
  }

  /** Its time has come. Throws when somebody else may have more luck, or we later. */
  async #due(room: RoomId): Promise<void> {
    const kept = await this.#newest(room);
    if (!kept || this.#state !== 'open' || kept.startsAt > this.#now()) return this.#arm(room);
    if (kept.state === 'failed') return this.#over(room, kept);
    // Nobody could say that nobody else has it: a broadcast would not come about.
    if (!this.#options.directory.readiness().ready) throw new AppError('directory-unavailable');
    if (this.#now() > kept.startsAt + START_WITHIN_MS)
      return this.#failed(room, kept, 'No server was there to start it in time.');
    await this.#start(room, kept).catch((error: unknown) => {
      if (this.#passes(error)) throw error;
    });
  }

  /** One at a time in a room. Throws AppError: then it has failed, unless the reason passes. */
  #start(room: RoomId, kept: ScheduledStart): Promise<BroadcastStatus> {
    let starting = this.#starting.get(room);
    if (!starting) {
      starting = this.#startNow(room, kept).finally(() => this.#starting.delete(room));
      this.#starting.set(room, starting);
    }
    return starting;
  }

  async #startNow(room: RoomId, kept: ScheduledStart): Promise<BroadcastStatus> {
    const { start, status, box } = this.#options;
    const { known, lost } = destinationsOf(kept, box);
    if (lost.length > 0) this.#logger.error({ room, lost }, 'destinations are lost: their stream keys can not be read');
    let begun: BroadcastStatus;
    try {
      begun = await start(room, kept.input, { id: kept.id, destinations: known });
      if (begun.id !== kept.id) throw new AppError('conflict', 'The room was live already.');
    } catch (error) {
      // It did begin: what has become of it is told by its own status.
      if (status(room)?.id === kept.id && !isElsewhere(error)) await this.#over(room, kept);
      else if (!this.#passes(error)) await this.#failed(room, kept, reasonOf(error));
      throw error;
    }
    await this.#over(room, kept).catch((error: unknown) =>
      this.#logger.warn({ err: error, room }, 'the room has another home: that finds the broadcast at work'),
    );
    return begun;
  }

  #passes(error: unknown): boolean {
    return error instanceof AppError && PASSING.includes(error.code);
  }

  async #over(room: string, kept: ScheduledStart): Promise<void> {
    await this.#write(room, null);
    this.#tell(room, kept, null);
  }

  async #failed(room: string, kept: ScheduledStart, reason: string): Promise<void> {
    const failed: ScheduledStart = { ...kept, state: 'failed', reason, before: null };
    await this.#write(room, failed);
    this.#logger.error({ room, broadcast: kept.id, reason }, 'a scheduled broadcast could not be started');
    this.#tell(room, failed, 'schedule.failed');
  }
}

function there(kept: ScheduledStart | null): ScheduledStart {
  if (!kept) throw new AppError('not-found', 'No broadcast of this room is scheduled.');
  return kept;
}

/** Another node may have it. */
const isElsewhere = (error: unknown): boolean =>
  error instanceof AppError && (error.code === 'wrong-node' || error.code === 'directory-unavailable');

const reasonOf = (error: unknown): string =>
  error instanceof AppError ? error.message : 'The fault is ours; the log of the server has it.';
