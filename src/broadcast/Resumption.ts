/**
 * Broadcasts that other processes had, and that go on here: those of a process before us on this machine (its disk), and those that other nodes leave
 * (Succession.ts). In: their records, and of those that only waited to start what is kept of that. Out: broadcasts, to Broadcasts.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { BroadcastStatus } from '../contracts/broadcast.ts';
import type { VersionedScene } from '../contracts/scene.ts';
import type { BroadcastBeginning } from './BroadcastBeginning.ts';
import type { BroadcastsOptions } from './Broadcasts.ts';
import type { KeyClaims } from './KeyClaims.ts';
import type { RoomTap } from './RoomTap.ts';
import { type BroadcastRecord, destinationsOf, type FoundPending, type FoundRecord } from './record/BroadcastRecord.ts';
import { Ownership } from './record/Ownership.ts';
import { inheritedFrom, type Resumed, resumedFrom } from './record/resumed.ts';
import { type Orphan, Succession } from './Succession.ts';

const RESUME_LIMIT_MS = 10 * 60_000;
/** Where a process that was killed had broadcasts, the directory is waited for so long, ms: another node may have them. */
const DIRECTORY_LIMIT_MS = 3_000;
/** A broadcast that so many processes in a row died with, each within a minute, may be what kills them. */
const MAX_FAILURES = 3;

export interface OpensRooms {
  getOrCreate(id: string): Promise<RoomTap>;
  restoreScene(id: string, scene: VersionedScene): void;
}

type NodeOptions = Pick<
  BroadcastsOptions,
  'records' | 'directory' | 'homes' | 'clock' | 'wallClock' | 'resumeLimitMs' | 'logger' | 'metrics'
>;

export interface ResumptionOptions extends NodeOptions {
  streamKeys: KeyClaims;
  isClosed: () => boolean;
  has: (broadcast: string) => boolean;
  isLive: (room: string) => boolean;
  run: (room: RoomTap, input: BroadcastRecord['input'], beginning: BroadcastBeginning) => Promise<BroadcastStatus>;
}

/** What another process left of a broadcast: with it one can go on. */
type Left = Pick<BroadcastRecord, 'id' | 'room' | 'input' | 'destinations'> & { scene?: VersionedScene };
/** How it goes on: it ran, or waited to start. */
type Beginning = Pick<BroadcastBeginning, 'resumed' | 'queuedAt'>;

/** What only waited waits so long at most for what was live to be first in the queue, ms. */
const AFTER_MS = 10_000;

export class Resumption {
  readonly #options: ResumptionOptions;
  #succession: Succession | undefined;
  /** Those that were live, until they are again, or wait. */
  readonly #reviving = new Set<Promise<unknown>>();

  constructor(options: ResumptionOptions) {
    this.#options = options;
  }

  /** What a process before us left; from then on what other nodes leave, too. */
  async begin(rooms: OpensRooms): Promise<void> {
    const { records, directory, homes, logger, isClosed, has } = this.#options;
    const [found, pending] = [records?.find() ?? [], records?.findPending() ?? []];
    // Another node may have them by now.
    if (found.length + pending.length > 0) await directory.untilReady(DIRECTORY_LIMIT_MS);
    for (const each of found) await this.#try(each.record.id, () => this.#resume(each, rooms));
    for (const each of pending) await this.#try(each.pending.id, () => this.#resumePending(each, rooms));
    if (!records || !homes || isClosed()) return;
    this.#succession = await Succession.create({
      ...{ directory, homes, logger, has },
      goOn: (left, owner) => this.#inherit(left, owner, rooms),
    });
  }

  /** Resolves when nothing that another node left of the room's broadcast is still to go on here. As Succession.settled. */
  async settled(room: string): Promise<void> {
    await this.#succession?.settled(room);
  }

  /** Goes on with nothing any more. Idempotent. */
  async close(): Promise<void> {
    await this.#succession?.close();
  }

  /** What fails stays on the disk: the next start may have more luck. */
  async #try(broadcast: string, resume: () => Promise<void>): Promise<void> {
    try {
      await resume();
    } catch (error) {
      this.#options.logger.error({ err: error, broadcast }, 'the broadcast can not be gone on with');
    }
  }

  #now(): { wallMs: number; clockMs: number } {
    const { clock, wallClock = Date.now } = this.#options;
    return { wallMs: wallClock(), clockMs: clock.now() };
  }

  async #resume(found: FoundRecord, rooms: OpensRooms): Promise<void> {
    const { record } = found;
    const resumed = resumedFrom(found, this.#now());
    await this.#fromDisk(record, this.#isWorth(resumed, record.room), { resumed }, rooms);
  }

  async #resumePending({ pending, beat }: FoundPending, rooms: OpensRooms): Promise<void> {
    const { id, room, queuedAt } = pending;
    const silentMs = Math.max(0, this.#now().wallMs - (beat?.at ?? queuedAt));
    await this.#fromDisk(pending, this.#isWorth({ id, silentMs, failures: 0 }, room), { queuedAt }, rooms);
  }

  async #fromDisk(left: Left & { lease: number }, isWorth: boolean, how: Beginning, rooms: OpensRooms): Promise<void> {
    const { records, directory, logger } = this.#options;
    const { id, room, lease } = left;
    if (!isWorth) {
      records?.drop(id);
      return;
    }
    const owner = (await this.#isElsewhere(room))
      ? undefined
      : await Ownership.resume({ directory, logger }, { id, room }, lease);
    if (!owner) {
      logger.warn({ broadcast: id, room }, 'another node has gone on with the broadcast');
      records?.drop(id);
      return;
    }
    await this.#goOn(left, how, owner, rooms).catch(async (error: unknown) => {
      await owner.handOn();
      throw error;
    });
  }

  /** What another node had, and nobody has now. */
  async #inherit(left: Orphan, owner: Ownership, rooms: OpensRooms): Promise<void> {
    const { id, room } = left.data;
    const how = this.#howOf(left);
    const { silentMs, failures } = how.resumed ?? { silentMs: left.beat?.ageMs ?? 0, failures: 0 };
    if (this.#isWorth({ id, silentMs, failures }, room)) return this.#goOn(left.data, how, owner, rooms);
    // Ours to remove, since the broadcast is.
    const { directory } = this.#options;
    const hold = (): Promise<{ release(): Promise<void> }> =>
      left.kind === 'record'
        ? directory.hold('record', id, left.data, owner.fence)
        : directory.hold('pending', id, left.data, owner.fence);
    await (await hold()).release();
    await owner.end();
  }

  #howOf(left: Orphan): Beginning {
    if (left.kind === 'pending') return { queuedAt: left.data.queuedAt };
    return { resumed: inheritedFrom(left, this.#now()) };
  }

  #isWorth(
    { id: broadcast, silentMs, failures }: Pick<Resumed, 'id' | 'silentMs' | 'failures'>,
    room: string,
  ): boolean {
    const { resumeLimitMs = RESUME_LIMIT_MS, logger, isLive } = this.#options;
    if (silentMs <= resumeLimitMs && failures < MAX_FAILURES && !isLive(room)) return true;
    logger.warn({ broadcast, room, silentMs, failures }, 'the broadcast of a killed process is not gone on with');
    return false;
  }

  /** False, too, when nobody can say. */
  async #isElsewhere(room: string): Promise<boolean> {
    try {
      return (await this.#options.homes?.homeOf(room))?.own === false;
    } catch {
      return false;
    }
  }

  async #goOn(left: Left, how: Beginning, owner: Ownership, rooms: OpensRooms): Promise<void> {
    const { records, streamKeys, logger, metrics, run } = this.#options;
    const { id, room, input } = left;
    if (!records) throw new Error('nothing is kept here');
    const { known, lost } = destinationsOf(left, records.box);
    if (lost.length > 0)
      logger.error({ broadcast: id, lost }, 'destinations are lost: their stream keys can not be read');
    const free = known.filter(({ identity, status }) => streamKeys.claim(identity, status.id) === undefined);
    if (free.length < known.length)
      logger.error({ broadcast: id }, 'destinations are lost: their stream keys are in use');
    const { resumed, queuedAt } = how;
    logger.warn(
      { broadcast: id, room, silentMs: resumed?.silentMs, queuedAt },
      'going on with the broadcast of another process',
    );
    let starting: Promise<BroadcastStatus>;
    try {
      const tap = await rooms.getOrCreate(room);
      if (left.scene) rooms.restoreScene(room, left.scene);
      const after = queuedAt === undefined ? {} : { after: this.#revived() };
      starting = run(tap, input, { id, destinations: free, owner, ...how, ...after });
    } catch (error) {
      streamKeys.releaseAll(free);
      throw error;
    }
    metrics.resumed.inc();
    const reviving = starting
      .catch((error: unknown) => logger.warn({ err: error, broadcast: id }, 'the broadcast did not come back'))
      .finally(() => this.#reviving.delete(reviving));
    if (resumed) this.#reviving.add(reviving);
  }

  async #revived(): Promise<void> {
    if (this.#reviving.size === 0) return;
    await Promise.race([Promise.all(this.#reviving), delay(AFTER_MS, undefined, { ref: false })]);
  }
}
