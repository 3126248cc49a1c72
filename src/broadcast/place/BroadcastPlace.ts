import { TypedEmitter } from '../../common/TypedEmitter.ts';
import type { BroadcastInput } from '../../contracts/broadcast.ts';
import type { BroadcastOptions } from '../BroadcastOptions.ts';
import type { CompositorRun } from '../CompositorRun.ts';
import { encoderFor, type Program } from '../jobs.ts';
import type { RoomTap } from '../RoomTap.ts';
import { SlotMeter } from './SlotMeter.ts';
import type { PlaceAsk, Waits } from './Ticket.ts';

interface BroadcastPlaceEvents {
  /** It waits for a compositor, or does no longer (null). Told again whenever the queue moves. */
  waiting: [waits: Waits | null];
  /** One compositor of it costs something else. */
  costs: [slots: number];
}

/** What it asks for now. */
export interface PlaceWish {
  /** Not there: the broadcast is to go away from there. */
  avoid?: string | undefined;
  /** There only when there is no other: it may not answer at all. */
  last?: string | undefined;
  /** It waits no longer, ms; left out: a start until it is stopped, one that runs until it is given up (LIANMAI_RECOVERY_SECONDS). */
  waitMs?: number;
}

export interface BroadcastPlaceOptions {
  broadcast: string;
  room: RoomTap;
  input: BroadcastInput;
  node: Pick<BroadcastOptions, 'places' | 'recoveryMs' | 'videoEncoder' | 'encoderThreads' | 'clock'>;
  program: () => Program | undefined;
  /** Another process had it: it runs already. */
  resumed: boolean;
  /** Its place in the queue, when another process had it while it waited. */
  queuedAt?: number | undefined;
}

/** A broadcast's place among all others: what it costs, what it asks for, and where it waits. */
export class BroadcastPlace extends TypedEmitter<BroadcastPlaceEvents> {
  readonly #options: BroadcastPlaceOptions;
  readonly #meter: SlotMeter;
  #queuedAt: number | undefined;
  #waitedMs = 0;
  #waitsSince: number | undefined;

  constructor(options: BroadcastPlaceOptions) {
    super();
    const { room, input, node, program } = options;
    this.#options = options;
    this.#queuedAt = options.queuedAt;
    const encoder = () => program()?.encoder ?? encoderFor(node.videoEncoder, node.encoderThreads);
    this.#meter = new SlotMeter({ room, input, encoder, clock: node.clock });
    this.#meter.on('changed', (slots) => {
      this.#want();
      this.emit('costs', slots);
    });
    this.#want();
  }

  /** What one compositor of it costs. */
  get slots(): number {
    return this.#meter.slots;
  }

  /** Its place among those that wait to start: kept for as long as it has not started. */
  get queuedAt(): number {
    this.#queuedAt ??= this.#options.node.places.queuedAt();
    return this.#queuedAt;
  }

  /** For how long it has waited for its turn, all in all, ms. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#waitsSince === undefined ? 0 : this.#options.node.clock.now() - this.#waitsSince);
  }

  ask({ avoid, last, waitMs, signal }: PlaceWish & { signal: AbortSignal }): PlaceAsk {
    const { broadcast, input, program, resumed, node } = this.#options;
    const seen = resumed || program() !== undefined;
    return {
      ...{ broadcast, tenant: input.tenant, kind: seen ? 'handover' : 'start', signal },
      slots: () => this.#meter.slots,
      queuedAt: seen ? undefined : this.queuedAt,
      avoid: avoid === undefined ? [] : [avoid],
      last,
      waitMs: waitMs ?? (seen ? node.recoveryMs : Number.POSITIVE_INFINITY),
      onWaiting: (waits) => this.#waits(waits),
    };
  }

  /** Learns from a compositor, and tells its agent what it costs. */
  follow(run: CompositorRun, isPresent: () => boolean): void {
    const tell = (slots: number) => run.costs(slots);
    run.on('stats', (stats) => {
      if (isPresent()) this.#meter.learn(run.compositor, stats);
    });
    this.#meter.on('changed', tell);
    // It may have changed since it was asked for.
    tell(this.#meter.slots);
    const over = () => void this.#meter.off('changed', tell);
    run.ended.then(over, over);
  }

  close(): void {
    this.#meter.close();
    this.#options.node.places.wants(this.#options.broadcast, null);
  }

  #want(): void {
    const { broadcast, input, node } = this.#options;
    // A hot standby costs as much again.
    const compositors = input.standby ? 2 : 1;
    node.places.wants(broadcast, { tenant: input.tenant, slots: this.#meter.slots * compositors });
  }

  #waits(waits: Waits | null): void {
    const now = this.#options.node.clock.now();
    if (waits) this.#waitsSince ??= now;
    else {
      this.#waitedMs = this.waitedMs;
      this.#waitsSince = undefined;
    }
    this.emit('waiting', waits);
  }
}
