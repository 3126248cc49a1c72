import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { BroadcastInput, BroadcastState, type BroadcastStatus, DestinationInput } from '../contracts/broadcast.ts';
import type { DestinationStatus } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import type { VideoCodec } from '../contracts/job.ts';
import type { Recording } from '../contracts/recording.ts';
import type { Directory } from '../directory/Directory.ts';
import { Broadcast } from './Broadcast.ts';
import type { BroadcastService } from './BroadcastService.ts';
import type { DestinationEvent } from './DestinationBook.ts';
import { type CheckDestination, type Destination, newDestination } from './destinations.ts';
import { KeyClaims } from './KeyClaims.ts';
import type { BroadcastMetrics } from './metrics.ts';
import type { RoomTap } from './RoomTap.ts';

/** So many ended broadcasts are remembered, the newest of each room. */
const REMEMBERED = 500;

export interface BroadcastsOptions {
  directory: Directory;
  /** A fresh token of audience `service`; it has to outlive what it is made for. */
  newServiceToken: () => Promise<string>;
  /** The address that mediasoup sends media to compositors from (LIANMAI_MEDIA_HOST). */
  mediaIp?: string;
  encoderThreads?: number;
  /** Where compositors get images and sounds, without a slash at the end; null: there are none. */
  assetsUrl?: string | null;
  videoEncoder?: VideoCodec;
  destinationPolicy: CheckDestination;
  /** The program's clock; monotonic. */
  clock: Clock;
  /** ms since 1970; for labels only. */
  wallClock?: () => number;
  logger: Logger;
  metrics: BroadcastMetrics;
  /** States at once, figures at most once a second. */
  onStatus: (room: string, status: BroadcastStatus) => void;
  /** A destination has come into another state; of each exactly one `stopped` at the end. */
  onDestination?: (event: DestinationEvent) => void;
}

/** Every broadcast of this SFU node, one a room. */
export class Broadcasts implements BroadcastService {
  readonly #options: BroadcastsOptions;
  readonly #running = new Map<string, { broadcast: Broadcast; starting: Promise<BroadcastStatus> }>();
  readonly #ended = new Map<string, BroadcastStatus>();
  readonly #streamKeys = new KeyClaims();
  #state: 'open' | 'closed' = 'open';
  #closing: Promise<void> | undefined;

  constructor(options: BroadcastsOptions) {
    this.#options = options;
  }

  isLive(room: string): boolean {
    return this.#running.has(room);
  }

  async start(room: RoomTap, given: BroadcastInput): Promise<BroadcastStatus> {
    const {
      mediaIp = '127.0.0.1',
      encoderThreads = 1,
      assetsUrl = null,
      videoEncoder = 'libx264',
      wallClock = Date.now,
      destinationPolicy,
    } = this.#options;
    let destinations: Destination[] | undefined;
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
        const wanted = BroadcastInput.parse(given).destinations;
        destinations = await Promise.all(wanted.map((d) => newDestination(d, destinationPolicy)));
      } else break;
    }
    // Race: from the last look at #running to its new entry nothing is awaited.
    const streamKeys = this.#streamKeys;
    const options = { ...this.#options, mediaIp, encoderThreads, assetsUrl, videoEncoder, wallClock, streamKeys };
    const broadcast = new Broadcast(room, BroadcastInput.parse(given), destinations, options);
    broadcast.on('state', () => this.#count());
    broadcast.once('closed', () => this.#onClosed(broadcast));
    const starting = broadcast.start();
    this.#running.set(room.id, { broadcast, starting });
    this.#options.onStatus(room.id, broadcast.status);
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

  async applyScene(room: string): Promise<number | null> {
    return (await this.#running.get(room)?.broadcast.applyScene()) ?? null;
  }

  /** Ends every broadcast (`shutdown`); resolves when playlists are closed and destinations gone. Refuses new ones from now on. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    await Promise.all([...this.#running.values()].map(({ broadcast }) => broadcast.stop('shutdown')));
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
