import type { Clock } from '../common/clock.ts';
import { newId } from '../common/ids.ts';
import type { Logger } from '../common/logger.ts';
import { BroadcastInput, BroadcastState, type BroadcastStatus, DestinationInput } from '../contracts/broadcast.ts';
import type { DestinationStatus } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import type { VideoCodec } from '../contracts/job.ts';
import type { Recording } from '../contracts/recording.ts';
import type { VersionedScene } from '../contracts/scene.ts';
import type { Directory } from '../directory/Directory.ts';
import type { Entry, FleetRecord } from '../directory/entries.ts';
import type { Strategy } from '../directory/placement.ts';
import type { RoomHomes } from '../directory/RoomHomes.ts';
import { Broadcast } from './Broadcast.ts';
import type { BroadcastOptions } from './BroadcastOptions.ts';
import type { BroadcastService } from './BroadcastService.ts';
import type { DestinationEvent } from './DestinationBook.ts';
import { type CheckDestination, type Destination, newDestination } from './destinations.ts';
import { HandoffPace } from './HandoffPace.ts';
import { KeyClaims } from './KeyClaims.ts';
import type { UsageSink } from './meterRun.ts';
import type { BroadcastMetrics } from './metrics.ts';
import { Balance } from './place/Balance.ts';
import { Places, type TenantRuleSet } from './place/Places.ts';
import type { RoomTap } from './RoomTap.ts';
import { type BroadcastRecord, destinationsOf, type FoundRecord } from './record/BroadcastRecord.ts';
import { Ownership } from './record/Ownership.ts';
import type { RecordFiles } from './record/RecordFiles.ts';
import { inheritedFrom, type Resumed, resumedFrom } from './record/resumed.ts';
import { Succession } from './Succession.ts';

/** So many ended broadcasts are remembered, the newest of each room. */
const REMEMBERED = 500;
const RESUME_LIMIT_MS = 10 * 60_000;
const RECOVERY_MS = 10 * 60_000;
/** Where a process that was killed had broadcasts, the directory is waited for so long, ms: another node may have them. */
const DIRECTORY_LIMIT_MS = 3_000;
/** A broadcast that so many processes in a row died with, each within a minute, may be what kills them. */
const MAX_FAILURES = 3;

export interface BroadcastsOptions {
  directory: Directory;
  /** Which rooms are at home here; left out: all are, and what other nodes leave is not gone on with. */
  homes?: RoomHomes | undefined;
  /** A fresh token of audience `service`; it has to outlive what it is made for. */
  newServiceToken: () => Promise<string>;
  /** The address that mediasoup sends media to compositors from (LIANMAI_MEDIA_HOST). */
  mediaIp?: string;
  encoderThreads?: number;
  /** Compositors that warm up at the same time to take a broadcast over from another. */
  maxHandoffs?: number;
  /** How compositors are chosen; `binpack` when left out. */
  placement?: Strategy;
  /** How much tenants may have; null or left out: no limits. */
  tenants?: TenantRuleSet | null;
  /** Broadcasts are moved to where there is more room, each at most once in so long, ms; left out: not at all. */
  rebalanceMs?: number | undefined;
  /** So long a broadcast that is seen waits for a compositor, ms. */
  recoveryMs?: number;
  /** Where compositors get images and sounds, without a slash at the end; null: there are none. */
  assetsUrl?: string | null;
  videoEncoder?: VideoCodec;
  destinationPolicy: CheckDestination;
  /** Where broadcasts are kept for another process, should this one be killed; left out: nowhere. */
  records?: RecordFiles;
  /** A broadcast whose process was killed longer ago is not gone on with, ms. */
  resumeLimitMs?: number;
  /** The program's clock; monotonic. */
  clock: Clock;
  /** ms since 1970; for labels only. */
  wallClock?: () => number;
  logger: Logger;
  metrics: BroadcastMetrics;
  /** States at once, figures at most once a second. */
  onStatus: (room: string, status: BroadcastStatus) => void;
  /** Who is told what is used; left out: nobody. */
  usage?: UsageSink | undefined;
  /** A destination has come into another state; of each exactly one `stopped` at the end. */
  onDestination?: (event: DestinationEvent) => void;
}

interface OpensRooms {
  getOrCreate(id: string): Promise<RoomTap>;
  restoreScene(id: string, scene: VersionedScene): void;
}

/** What another process left of a broadcast: with it one can go on. */
type Left = Pick<BroadcastRecord, 'id' | 'room' | 'input' | 'destinations'> & Partial<Pick<FleetRecord, 'scene'>>;

/** Every broadcast of this SFU node, one a room. */
export class Broadcasts implements BroadcastService {
  readonly #options: BroadcastsOptions;
  readonly #running = new Map<string, { broadcast: Broadcast; starting: Promise<BroadcastStatus> }>();
  readonly #ended = new Map<string, BroadcastStatus>();
  readonly #streamKeys: KeyClaims;
  readonly #handoffs: HandoffPace;
  readonly #places: Places;
  readonly #balance: Balance | undefined;
  #succession: Succession | undefined;
  #resuming: Promise<void> | undefined;
  #state: 'open' | 'closed' = 'open';
  #closing: Promise<void> | undefined;

  constructor(options: BroadcastsOptions) {
    this.#options = options;
    this.#streamKeys = new KeyClaims(options.directory);
    this.#handoffs = new HandoffPace(options.maxHandoffs ?? 2);
    const {
      directory,
      placement: strategy = 'binpack',
      tenants = null,
      wallClock = Date.now,
      logger,
      metrics,
    } = options;
    this.#places = new Places({ directory, strategy, tenants, wallClock, logger, metrics });
    const { rebalanceMs: restMs, clock } = options;
    this.#balance = restMs === undefined ? undefined : new Balance({ directory, restMs, clock, logger });
  }

  isLive(room: string): boolean {
    return this.#running.has(room);
  }

  async start(room: RoomTap, given: BroadcastInput): Promise<BroadcastStatus> {
    const { destinationPolicy } = this.#options;
    const input = BroadcastInput.parse(given);
    const id = newId('b');
    let destinations: Destination[] | undefined;
    // Race: a room whose broadcast is just coming back must not get another one.
    await this.#resuming;
    await this.#succession?.settled(room.id);
    try {
      for (;;) {
        if (this.#state === 'closed') throw new AppError('shutting-down');
        const running = this.#running.get(room.id);
        if (running?.broadcast.status.state === 'ending') {
          // Who starts while the last one is ending gets a new one.
          await running.broadcast.stop('stopped');
        } else if (running) {
          await running.starting;
          return running.broadcast.status;
        } else if (!destinations) {
          destinations = await Promise.all(input.destinations.map((d) => newDestination(d, destinationPolicy)));
          await this.#streamKeys.reserveAll(destinations, id);
        } else break;
      }
      // Race: from the last look at #running to its new entry nothing is awaited.
      const broadcast = new Broadcast(room, input, { id, destinations }, this.#full());
      destinations = undefined;
      return this.#run(broadcast);
    } finally {
      this.#streamKeys.releaseAll(destinations ?? []);
    }
  }

  /**
   * Goes on with the broadcasts of a process that was killed: same id, URL, grid and encoding, and another compositor. Resolves when
   * their rooms are there and they are counted as live; that they really are takes another moment. `start` waits for it. From then on this
   * node goes on, too, with what other nodes leave.
   */
  resume(rooms: OpensRooms): Promise<void> {
    this.#resuming = this.#resumeAll(rooms);
    return this.#resuming;
  }

  async #resumeAll(rooms: OpensRooms): Promise<void> {
    const { records, directory, homes, logger } = this.#options;
    const found = records?.find() ?? [];
    // Another node may have them by now.
    if (found.length > 0) await directory.untilReady(DIRECTORY_LIMIT_MS);
    for (const each of found) {
      try {
        await this.#resume(each, rooms);
      } catch (error) {
        // Its record stays: the next start may have more luck.
        logger.error({ err: error, broadcast: each.record.id }, 'the broadcast can not be gone on with');
      }
    }
    if (!records || !homes || this.#state === 'closed') return;
    this.#succession = await Succession.create({
      ...{ directory, homes, logger },
      has: (id) => [...this.#running.values()].some(({ broadcast }) => broadcast.id === id),
      goOn: (record, owner) => this.#inherit(record, owner, rooms),
    });
  }

  async #resume(found: FoundRecord, rooms: OpensRooms): Promise<void> {
    const { records, directory, clock, logger } = this.#options;
    const { id, room, lease } = found.record;
    const resumed = resumedFrom(found, { wallMs: this.#full().wallClock(), clockMs: clock.now() });
    if (!this.#isWorth(resumed, room)) {
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
    await this.#goOn(found.record, resumed, owner, rooms).catch(async (error: unknown) => {
      await owner.handOn();
      throw error;
    });
  }

  /** What another node had, and nobody has now. */
  async #inherit({ data, beat }: Entry<'record'>, owner: Ownership, rooms: OpensRooms): Promise<void> {
    const { clock, directory } = this.#options;
    const resumed = inheritedFrom({ data, beat }, { wallMs: this.#full().wallClock(), clockMs: clock.now() });
    if (this.#isWorth(resumed, data.room)) return this.#goOn(data, resumed, owner, rooms);
    // Ours to remove, since the broadcast is.
    await (await directory.hold('record', data.id, data, owner.fence)).release();
    await owner.end();
  }

  #isWorth({ id: broadcast, silentMs, failures }: Resumed, room: string): boolean {
    const { resumeLimitMs = RESUME_LIMIT_MS, logger } = this.#options;
    if (silentMs <= resumeLimitMs && failures < MAX_FAILURES && !this.#running.has(room)) return true;
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

  async #goOn(left: Left, resumed: Resumed, owner: Ownership, rooms: OpensRooms): Promise<void> {
    const { records, logger, metrics } = this.#options;
    const { id, room, input } = left;
    if (!records) throw new Error('nothing is kept here');
    const { known, lost } = destinationsOf(left, records.box);
    if (lost.length > 0)
      logger.error({ broadcast: id, lost }, 'destinations are lost: their stream keys can not be read');
    const free = known.filter(({ identity, status }) => this.#streamKeys.claim(identity, status.id) === undefined);
    if (free.length < known.length)
      logger.error({ broadcast: id }, 'destinations are lost: their stream keys are in use');
    logger.warn({ broadcast: id, room, silentMs: resumed.silentMs }, 'going on with the broadcast of another process');
    let starting: Promise<BroadcastStatus>;
    try {
      const tap = await rooms.getOrCreate(room);
      if (left.scene) rooms.restoreScene(room, left.scene);
      const beginning = { id, destinations: free, resumed, owner };
      starting = this.#run(new Broadcast(tap, input, beginning, this.#full()));
    } catch (error) {
      this.#streamKeys.releaseAll(free);
      throw error;
    }
    metrics.resumed.inc();
    starting.catch((error: unknown) => logger.warn({ err: error, broadcast: id }, 'the broadcast did not come back'));
  }

  #full(): BroadcastOptions {
    const {
      mediaIp = '127.0.0.1',
      encoderThreads = 1,
      assetsUrl = null,
      videoEncoder = 'libx264',
      wallClock = Date.now,
      recoveryMs = RECOVERY_MS,
    } = this.#options;
    const { homes } = this.#options;
    const isHome = homes && ((room: string) => homes.isOwn(room));
    const shared = {
      ...{ streamKeys: this.#streamKeys, handoffs: this.#handoffs, places: this.#places, recoveryMs, isHome },
      balance: this.#balance,
    };
    return { ...this.#options, mediaIp, encoderThreads, assetsUrl, videoEncoder, wallClock, ...shared };
  }

  #run(broadcast: Broadcast): Promise<BroadcastStatus> {
    broadcast.on('state', () => this.#count());
    broadcast.once('closed', () => this.#onClosed(broadcast));
    broadcast.once('left', () => {
      this.#running.delete(broadcast.room.id);
      this.#count();
    });
    const starting = broadcast.start();
    this.#running.set(broadcast.room.id, { broadcast, starting });
    this.#options.onStatus(broadcast.room.id, broadcast.status);
    this.#count();
    return starting;
  }

  async stop(room: string, reason: 'stopped' | 'room-closed' | 'shutdown'): Promise<BroadcastStatus> {
    return this.#get(room).stop(reason);
  }

  status(room: string): BroadcastStatus | null {
    return this.#running.get(room)?.broadcast.status ?? this.#ended.get(room) ?? null;
  }

  /** What became of a recording after its broadcast. */
  recording({ room, broadcast, id, state, complete, reason }: Recording): void {
    const ended = this.#ended.get(room);
    if (ended?.id !== broadcast) return;
    const status = { ...ended, recording: { id, state, complete, reason } };
    this.#ended.set(room, status);
    this.#options.onStatus(room, status);
  }

  async addDestination(room: string, input: DestinationInput): Promise<DestinationStatus> {
    return this.#get(room).addDestination(DestinationInput.parse(input));
  }

  async removeDestination(room: string, id: string): Promise<void> {
    this.#get(room).removeDestination(id);
  }

  async handOver(room: string): Promise<BroadcastStatus> {
    return this.#get(room).handOver();
  }

  async applyScene(room: string): Promise<number | null> {
    return (await this.#running.get(room)?.broadcast.applyScene()) ?? null;
  }

  /** The room is at home on another node from now on: its broadcast goes on there. Nothing happens when it has none. */
  async letGo(room: string): Promise<void> {
    await this.#running.get(room)?.broadcast.letGo();
  }

  /** Another node is to go on with every broadcast: nothing is ended. Refuses new ones from now on; resolves when others may have them. */
  async handOn(): Promise<void> {
    this.#state = 'closed';
    this.#balance?.close();
    await this.#succession?.close();
    const running = [...this.#running.values()];
    await Promise.all(
      // One that nobody has seen a frame of begins anew elsewhere.
      running.map(({ broadcast }) => (broadcast.begun ? broadcast.letGo() : broadcast.stop('shutdown'))),
    );
  }

  /** Ends every broadcast (`shutdown`); resolves when playlists are closed and destinations gone. Refuses new ones from now on. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    this.#balance?.close();
    await this.#succession?.close();
    await Promise.all([...this.#running.values()].map(({ broadcast }) => broadcast.stop('shutdown')));
    this.#places.close();
  }

  #get(room: string): Broadcast {
    const running = this.#running.get(room);
    if (!running) throw new AppError('no-broadcast');
    return running.broadcast;
  }

  #onClosed(broadcast: Broadcast): void {
    const room = broadcast.room.id;
    this.#running.delete(room);
    // Deleted first: the map's order is then the order of their ends.
    this.#ended.delete(room);
    this.#ended.set(room, broadcast.status);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= REMEMBERED) break;
      this.#ended.delete(oldest);
    }
    this.#count();
  }

  #count(): void {
    const states = [...this.#running.values()].map(({ broadcast }) => broadcast.status.state);
    for (const state of BroadcastState.options) {
      if (state === 'ended' || state === 'failed') continue;
      this.#options.metrics.broadcasts.set({ state }, states.filter((s) => s === state).length);
    }
  }
}
