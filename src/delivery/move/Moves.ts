/**
 * Broadcasts that come from other delivery nodes, and that go to them. The controller has the order of things (broadcast/DeliveryMove.ts); here
 * is what each of the two nodes does. Owned by Delivery.ts.
 */
import type { MovedFrom } from '../../contracts/deliveryControl.ts';
import { AppError } from '../../contracts/errors.ts';
import type { DeliveryBroadcast, OpenOrder } from '../DeliveryBroadcast.ts';
import type { DeliveryOptions } from '../DeliveryOptions.ts';
import type { Entries, Entry } from '../Entries.ts';
import type { DeliveryJournal } from '../journal/DeliveryJournal.ts';
import { arrive } from './arrive.ts';
import type { MoveSource } from './moveRoutes.ts';

export interface MovesOptions {
  delivery: Pick<DeliveryOptions, 'clock' | 'dataDir' | 'edge' | 'logger' | 'metrics' | 'onLoad' | 'recordings'>;
  entries: Entries;
  journal: DeliveryJournal;
  /** A broadcast that nobody is served from yet. */
  make(order: OpenOrder): Entry;
  /** Viewers find it here from now on. */
  list(entry: Entry): void;
  /** The other nodes are not told any more that it is here. */
  release(broadcast: string): void;
}

export class Moves {
  readonly #options: MovesOptions;
  /** Broadcasts that are being given up. */
  readonly #leaving = new Set<Promise<void>>();
  #drain: { until: number; empty: () => void } | undefined;

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  /** Until when this node waits for its broadcasts to be moved: what is left of it, ms; null: it does not go. */
  get drainingMs(): number | null {
    return this.#drain ? Math.max(0, this.#drain.until - this.#options.delivery.clock.now()) : null;
  }

  /** A broadcast of another node is to come here. Throws `bad-request` where there is no other. */
  bring(order: OpenOrder, from: MovedFrom): Entry {
    const { delivery, journal, make, list } = this.#options;
    const { dataDir, recordings, edge } = delivery;
    if (!edge) throw new AppError('bad-request', 'this delivery node is in no fleet');
    const entry = make(order);
    const { broadcast, pictures } = entry;
    broadcast.store.wait();
    const { newServiceToken } = edge;
    const { move, arrived } = arrive({
      ...{ order, from, broadcast, pictures, dataDir, recordings, journal, newServiceToken },
    });
    entry.move = move;
    broadcast.logger.info({ from: from.url }, 'broadcast is on its way here');
    broadcast.on('report', ({ type }) => {
      if (type !== 'arrived') return;
      entry.move = undefined;
      list(entry);
      broadcast.logger.info('broadcast has arrived');
    });
    arrived.catch((error: unknown) => {
      broadcast.logger.warn({ err: error }, 'the broadcast could not be brought here');
      this.discard(entry);
    });
    return entry;
  }

  /** One that was on its way: as if it had never been here. Idempotent; a disk that fails leaves something of it lying there. */
  discard(entry: Entry): void {
    this.#discard(entry).catch((error: unknown) =>
      entry.broadcast.logger.error({ err: error }, 'what had been brought here could not be removed'),
    );
  }

  async #discard(entry: Entry): Promise<void> {
    const { broadcast, pictures, session, move } = entry;
    this.#options.entries.remove(entry);
    await move?.close();
    entry.session = undefined;
    session?.close();
    await broadcast.drop();
    await this.#options.delivery.recordings?.giveAway(broadcast.id, true);
    await pictures.close();
  }

  /** What another node may copy. */
  source(id: string): MoveSource | undefined {
    const entry = this.#options.entries.get(id);
    if (!entry || entry.move) return undefined;
    const live = this.#options.delivery.recordings?.live(id);
    return { broadcast: entry.broadcast, archive: live?.archive, recording: live?.record ?? null };
  }

  /** The other node has it, with all that was here or not. */
  copied(id: string, complete: boolean): void {
    const entry = this.#options.entries.get(id);
    if (entry) entry.copied = complete;
  }

  /** The controller says that another node has it: who waits here is sent on. Resolves when nothing of it is left. */
  async moved(broadcast: DeliveryBroadcast, url: string): Promise<void> {
    const entry = this.#options.entries.get(broadcast.id);
    if (!entry || entry.move) throw new AppError('bad-request', 'the broadcast is not here');
    const leaving = this.#leave(entry, url).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    await leaving;
    this.checkDrained();
  }

  async #leave(entry: Entry, url: string): Promise<void> {
    const { delivery, entries, release } = this.#options;
    const { broadcast } = entry;
    entries.moved(entry, url);
    await broadcast.leave(url);
    release(broadcast.id);
    delivery.metrics.broadcasts.dec({ state: 'live' });
    await delivery.recordings?.giveAway(broadcast.id, entry.copied ?? false);
    await entry.pictures.close();
    delivery.onLoad?.();
  }

  /** Takes nothing new, and has the broadcasts moved; resolves when that is done, at the latest after so long. */
  async drain(limitMs: number): Promise<void> {
    const { delivery, entries } = this.#options;
    const { clock, logger } = delivery;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drain = { until: clock.now() + limitMs, empty: resolve };
    logger.info({ broadcasts: entries.live }, 'delivery goes: broadcasts are moved to other nodes');
    delivery.onLoad?.();
    for (const entry of entries.all) {
      if (entry.move) this.discard(entry);
      else entry.session?.draining();
    }
    const timer = setTimeout(resolve, limitMs);
    this.checkDrained();
    await promise;
    clearTimeout(timer);
    await Promise.all(this.#leaving);
    if (entries.live > 0) logger.warn({ broadcasts: entries.live }, 'not all could be moved: they wait on the disk');
  }

  /** After each broadcast that is over or gone. */
  checkDrained(): void {
    if (this.#options.entries.live === 0) this.#drain?.empty();
  }
}
