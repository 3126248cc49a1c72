/**
 * Where a broadcast is at delivery: its connection there, for its whole life, whichever node that is. In: orders of the broadcast and its
 * compositors. Out: what delivery reports, to status and log (followDelivery.ts). When the node goes, the broadcast is moved (DeliveryMove.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../common/logger.ts';
import type { BroadcastInput } from '../contracts/broadcast.ts';
import type { MovedFrom } from '../contracts/deliveryControl.ts';
import { AppError } from '../contracts/errors.ts';
import { MOVES_SINCE } from '../contracts/protocol.ts';
import type { BroadcastOptions } from './BroadcastOptions.ts';
import { CaptionSender } from './CaptionSender.ts';
import type { CompositorKeeper } from './CompositorKeeper.ts';
import { DeliveryLink } from './DeliveryLink.ts';
import { moveDelivery } from './DeliveryMove.ts';
import type { DestinationBook } from './DestinationBook.ts';
import { orderOf } from './destinations.ts';
import { followDelivery } from './followDelivery.ts';
import type { Program } from './jobs.ts';
import { openOrder } from './openOrder.ts';
import type { StatusBoard } from './StatusBoard.ts';

/** A move that came to nothing is tried again after, ms. */
const RETRY_MS = 2_000;
/** A disk that is busy may take so long to begin or to end a recording, ms. */
const RECORD_LIMIT_MS = 5_000;
/** Of the time that the old node has, so much is for copying: the rest is for what follows, and for another try. */
const COPY_SHARE = 0.5;

export interface DeliveryPlaceOptions {
  room: string;
  input: BroadcastInput;
  node: Pick<BroadcastOptions, 'directory' | 'newServiceToken' | 'metrics' | 'clock'>;
  destinations: DestinationBook;
  compositors: CompositorKeeper;
  board: StatusBoard;
  logger: Logger;
  /** The controller's: who has a lower one is refused. */
  fence: () => number;
  /** As it is now. */
  program: () => Program | undefined;
  /** Compositors put to another node from now on. */
  onProgram: (program: Program) => void;
  /** That node has the broadcast: whoever goes on with it is to find it there. */
  onMoved: () => void;
  /** Not to be had any more. */
  onFailed: (error: AppError) => void;
}

type Follower = ReturnType<typeof followDelivery>;

export class DeliveryPlace {
  readonly captions: CaptionSender;
  readonly #options: DeliveryPlaceOptions;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  readonly #followers = new WeakMap<DeliveryLink, Follower>();
  #link: DeliveryLink | undefined;
  /** Where compositors put to: the next one already, while the broadcast is being moved. */
  #target: DeliveryLink | undefined;
  /** Its destinations are there, or to be: not so while another node may have them still. */
  #settled = true;
  #moving: Promise<void> | undefined;
  /** Who said that it goes while the broadcast was being moved, and until when it waits, on the clock, ms. */
  #goes: { link: DeliveryLink; until: number } | undefined;

  constructor(options: DeliveryPlaceOptions) {
    this.#options = options;
    const { input, node, program } = options;
    this.captions = new CaptionSender({ tracks: input.captions, clock: node.clock, program });
    this.#logger = options.logger;
  }

  /** undefined before `open`. */
  get link(): DeliveryLink | undefined {
    return this.#link;
  }

  /** It is on its way to another node. */
  get moving(): boolean {
    return this.#moving !== undefined;
  }

  /** Begins or ends a recording. Resolves when delivery has said what has become of it; a connection that is lost says it when it is back. */
  async record(on: boolean): Promise<void> {
    const link = this.#link;
    const done = link?.next('recording', RECORD_LIMIT_MS, this.#abort.signal);
    link?.send({ type: 'record', on });
    await done?.catch((error: unknown) => this.#logger.debug({ err: error }, 'delivery has not said that it records'));
  }

  /** Opens the broadcast there, the first time; where compositors put to. Rejects with an AppError. */
  async open(): Promise<DeliveryLink> {
    if (this.#target) return this.#target;
    const link = await this.#connect(this.#need().deliveryUrl, null);
    this.#adopt(link);
    return link;
  }

  /** Closes the broadcast; resolves when delivery has, or has been given up. */
  async end(): Promise<void> {
    this.#abort.abort();
    await this.#moving;
    await this.#link?.end();
  }

  /** Leaves the broadcast there as it is, for another controller. */
  close(): void {
    this.#abort.abort();
    this.#link?.close();
  }

  async #connect(deliveryUrl: string, movedFrom: MovedFrom | null): Promise<DeliveryLink> {
    const { node, room, input, destinations, fence } = this.#options;
    let link: DeliveryLink | undefined;
    // A node that it moves to gets the destinations when the one before has closed them.
    const hasThem = () => movedFrom === null || (this.#settled && this.#link === link);
    link = await DeliveryLink.open({
      deliveryUrl,
      newToken: node.newServiceToken,
      order: () =>
        openOrder(this.#need(), {
          ...{ room, input, fence: fence() },
          movedFrom: movedFrom && { ...movedFrom, arrived: this.#link === link },
          destinations: hasThem() ? destinations.all : [],
        }),
      clock: node.clock,
      logger: this.#logger,
    });
    return link;
  }

  /** It is the one that counts from now on. */
  #adopt(link: DeliveryLink): void {
    const { destinations, compositors, board, node, onFailed } = this.#options;
    const follower = followDelivery(link, {
      ...{ destinations, board, parts: compositors.parts, grid: this.#need().grid },
      ...{ metrics: node.metrics, clock: node.clock, logger: this.#logger },
      onLate: (count, segment) => compositors.late(count, segment),
      onDraining: (withinMs) => this.#leave(link, withinMs),
    });
    this.#followers.set(link, follower);
    link.once('failed', (error) => {
      if (this.#link === link) onFailed(error);
    });
    this.#link = link;
    this.#target = link;
    this.captions.reach(link);
    link.on('back', () => {
      if (this.#link === link) this.captions.reach(link);
    });
  }

  #leave(link: DeliveryLink, withinMs: number): void {
    this.#goes = { link, until: this.#options.node.clock.now() + withinMs };
    if (!this.#moving) this.#moveAway();
  }

  /** Race: the node that it has just come to may go before the one before has said goodbye. */
  #moveAway(): void {
    const goes = this.#goes;
    this.#goes = undefined;
    if (!goes || goes.link !== this.#link || this.#abort.signal.aborted) return;
    this.#moving = this.#moveUntil(goes.link, goes.until).finally(() => {
      this.#moving = undefined;
      this.#moveAway();
    });
  }

  /** Until it is moved, or the node has gone: then it is kept there, on the disk, and claimed when it is back. */
  async #moveUntil(old: DeliveryLink, until: number): Promise<void> {
    const { clock } = this.#options.node;
    const { signal } = this.#abort;
    for (
      let left = until - clock.now();
      left > 0 && !signal.aborted && this.#link === old;
      left = until - clock.now()
    ) {
      try {
        await this.#move(old, left);
        return;
      } catch (error) {
        this.#logger.warn({ err: error }, 'the broadcast could not be moved to another delivery node');
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #move(old: DeliveryLink, withinMs: number): Promise<void> {
    const { node, compositors, destinations, onProgram, onMoved } = this.#options;
    // An older one would put to one place only, whatever the segment: parts would be lost.
    const checkCompositors = () => {
      const { protocol = MOVES_SINCE } = compositors.run ?? {};
      if (protocol < MOVES_SINCE) throw new AppError('conflict', 'Its compositor can not put to two delivery nodes.');
    };
    checkCompositors();
    const program = this.#need();
    const url = await node.directory.deliveryInsteadOf(program.deliveryUrl);
    const from = { url: program.deliveryUrl, fence: compositors.newFence(), copyMs: withinMs * COPY_SHARE };
    const link = await moveDelivery({
      ...{ old, url, from, program: () => this.#need(), clock: node.clock },
      ...{ logger: this.#logger, signal: this.#abort.signal },
      open: () => this.#connect(url, from),
      checkCompositors,
      exclusively: (work) => compositors.betweenHandoffs(work),
      redirect: (to, next, k) => {
        this.#target = to;
        onProgram(next);
        compositors.redirect(to, next, k);
      },
      onArrived: (to) => {
        this.#followers.get(old)?.yielded();
        this.#settled = false;
        this.#adopt(to);
        onMoved();
      },
    });
    destinations.moved();
    this.#settled = true;
    for (const destination of destinations.all)
      link.send({ type: 'add-destination', destination: orderOf(destination) });
  }

  #need(): Program {
    const program = this.#options.program();
    if (!program) throw new Error('delivery is opened with a program');
    return program;
  }
}
