import type { Clock } from '../common/clock.ts';
import { newId } from '../common/ids.ts';
import type { Logger } from '../common/logger.ts';
import { BroadcastInput, BroadcastState, type BroadcastStatus, DestinationInput } from '../contracts/broadcast.ts';
import type { CaptionAnswer, CaptionInput } from '../contracts/captions.ts';
import type { DestinationStatus } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import type { VideoCodec } from '../contracts/job.ts';
import type { Recording } from '../contracts/recording.ts';
import type { Directory } from '../directory/Directory.ts';
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
import { NO_FIGURES } from './ProgramMeter.ts';
import { Balance } from './place/Balance.ts';
import { Places, type TenantRuleSet } from './place/Places.ts';
import { type OpensRooms, Resumption } from './Resumption.ts';
import type { RoomTap } from './RoomTap.ts';
import type { RecordFiles } from './record/RecordFiles.ts';
import type { OnStatus } from './StatusBoard.ts';

/** So many ended broadcasts are remembered, the newest of each room. */
const REMEMBERED = 500;
const RECOVERY_MS = 10 * 60_000;

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
  onStatus: OnStatus;
  /** Who is told what is used; left out: nobody. */
  usage?: UsageSink | undefined;
  /** A destination has come into another state; of each exactly one `stopped` at the end. */
  onDestination?: (event: DestinationEvent) => void;
}

/** Every broadcast of this SFU node, one a room. */
export class Broadcasts implements BroadcastService {
  readonly #options: BroadcastsOptions;
  readonly #running = new Map<string, { broadcast: Broadcast; starting: Promise<BroadcastStatus> }>();
  readonly #ended = new Map<string, BroadcastStatus>();
  readonly #streamKeys: KeyClaims;
  readonly #handoffs: HandoffPace;
  readonly #places: Places;
  readonly #balance: Balance | undefined;
  readonly #resumption: Resumption;
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
    this.#resumption = new Resumption({
      ...options,
      streamKeys: this.#streamKeys,
      isClosed: () => this.#state === 'closed',
      has: (id) => [...this.#running.values()].some(({ broadcast }) => broadcast.id === id),
      isLive: (room) => this.isLive(room),
      run: (room, input, beginning) => this.#run(new Broadcast(room, input, beginning, this.#full())),
    });
  }

  isLive(room: string): boolean {
    return this.#running.has(room);
  }

  /** `as`: under the id, and with the destinations, that it was scheduled with. */
  async start(
    room: RoomTap,
    given: BroadcastInput,
    as?: { id: string; destinations: Destination[] },
  ): Promise<BroadcastStatus> {
    const { destinationPolicy } = this.#options;
    const input = BroadcastInput.parse(given);
    const id = as?.id ?? newId('b');
    let destinations: Destination[] | undefined;
    // Race: a room whose broadcast is just coming back must not get another one.
    await this.#resuming;
    await this.#resumption.settled(room.id);
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
          destinations =
            as?.destinations ??
            (await Promise.all(input.destinations.map((d) => newDestination(d, destinationPolicy))));
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
   * Goes on with the broadcasts of a process that was killed: same id, URL, grid and encoding, and another compositor; those that waited to start
   * wait on. Resolves when their rooms are there and they are counted as live; that they really are takes another moment. `start` waits for it. From
   * then on this node goes on, too, with what other nodes leave.
   */
  resume(rooms: OpensRooms): Promise<void> {
    this.#resuming = this.#resumption.begin(rooms);
    return this.#resuming;
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
    this.#options.onStatus(broadcast.room.id, broadcast.status, NO_FIGURES);
    this.#count();
    return starting;
  }

  async stop(room: string, reason: 'stopped' | 'room-closed' | 'shutdown'): Promise<BroadcastStatus> {
    return (await this.#arriving(room)).stop(reason);
  }

  status(room: string): BroadcastStatus | null {
    return this.#running.get(room)?.broadcast.status ?? this.#ended.get(room) ?? null;
  }

  /** What became of a recording after its broadcast. */
  recording({ room, broadcast, id, state, complete, reason, startedAt }: Recording): void {
    const ended = this.#ended.get(room);
    // Of several the last one counts.
    if (ended?.id !== broadcast || (ended.recording && ended.recording.id !== id)) return;
    const status = { ...ended, recording: { id, state, complete, reason, startedAt } };
    this.#ended.set(room, status);
    this.#options.onStatus(room, status, NO_FIGURES);
  }

  async addDestination(room: string, input: DestinationInput): Promise<DestinationStatus> {
    return (await this.#arriving(room)).addDestination(DestinationInput.parse(input));
  }

  async removeDestination(room: string, id: string): Promise<void> {
    (await this.#arriving(room)).removeDestination(id);
  }

  async record(room: string, on: boolean): Promise<BroadcastStatus> {
    return (await this.#arriving(room)).record(on);
  }

  caption(room: string, input: CaptionInput): CaptionAnswer {
    return this.#get(room).delivery.captions.say(input);
  }

  async handOver(room: string): Promise<BroadcastStatus> {
    return (await this.#arriving(room)).handOver();
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
    await this.#resumption.close();
    const running = [...this.#running.values()];
    await Promise.all(
      // One that is just being started, and has not waited, is asked for again.
      running.map(({ broadcast }) => (broadcast.isKept ? broadcast.letGo() : broadcast.stop('shutdown'))),
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
    await this.#resumption.close();
    await Promise.all([...this.#running.values()].map(({ broadcast }) => broadcast.stop('shutdown')));
    this.#places.close();
  }

  async settled(room: string): Promise<void> {
    if (!this.#running.has(room)) await this.#resumption.settled(room);
  }

  /** Of a room whose broadcast is just coming from another node that is waited for. */
  async #arriving(room: string): Promise<Broadcast> {
    await this.settled(room);
    return this.#get(room);
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
