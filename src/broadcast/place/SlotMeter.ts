import type { Clock } from '../../common/clock.ts';
import { TypedEmitter } from '../../common/TypedEmitter.ts';
import type { BroadcastInput } from '../../contracts/broadcast.ts';
import type { CompositorStats } from '../../contracts/control.ts';
import type { EncoderSettings } from '../../contracts/job.ts';
import { correctFactor, predictSlots } from '../../directory/placement.ts';
import { gridFor, peersOf, renditionsFor, sourcesOf } from '../jobs.ts';
import type { RoomTap } from '../RoomTap.ts';

/** A compositor's memory is no less for a small program: of a pod with 8 slots and 6 GiB not more than 26 have room. */
const LEAST_SLOTS = 0.3;
/** Others are told of steps, rounded up: what changes with every second would be told all the time. */
const STEP_SLOTS = 0.05;
/** And only when it has changed by so much. */
const TOLD_SLOTS = 0.1;
/** Changes of the room that come together are reckoned once, ms. */
const PREDICT_AFTER_MS = 200;
/** Statistics come each second; what is over less time says nothing of CPU, ms. */
const LEAST_SAMPLE_MS = 500;

interface SlotMeterEvents {
  /** It costs something else, enough to tell others. */
  changed: [slots: number];
}

export interface SlotMeterOptions {
  room: RoomTap;
  input: Pick<BroadcastInput, 'video' | 'renditions' | 'audio'>;
  /** As far as it is known. */
  encoder: () => Pick<EncoderSettings, 'codec' | 'preset'>;
  clock: Clock;
}

/**
 * What one broadcast costs, in slots: predicted from what the room shows and what is encoded, corrected by the CPU that its compositors are
 * seen to use (directory/placement/cost.ts). In: changes of the room, statistics. Out: `slots`; next: Places.ts and the agent are told.
 */
export class SlotMeter extends TypedEmitter<SlotMeterEvents> {
  readonly #options: SlotMeterOptions;
  #predicted: number;
  #factor = 1;
  #told: number;
  #last: { cpuSeconds: number; at: number; compositor: string } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SlotMeterOptions) {
    super();
    this.#options = options;
    this.#predicted = this.#predict();
    this.#told = this.#rounded();
    options.room.on('changed', this.#onRoom);
  }

  get slots(): number {
    return this.#told;
  }

  /** Of the compositor at work, each second. */
  learn(compositor: string, { cpuSeconds, degradation }: Pick<CompositorStats, 'cpuSeconds' | 'degradation'>): void {
    const at = this.#options.clock.now();
    const last = this.#last;
    const overMs = last ? at - last.at : 0;
    if (last?.compositor === compositor && overMs < LEAST_SAMPLE_MS) return;
    this.#last = { cpuSeconds, at, compositor };
    // The first one's CPU is of its start.
    if (last?.compositor !== compositor) return;
    const cores = ((cpuSeconds - last.cpuSeconds) * 1000) / overMs;
    const degraded = degradation !== 'none';
    this.#factor = correctFactor(this.#factor, { cores, overMs, predictedSlots: this.#predicted, degraded });
    this.#tell();
  }

  /** Idempotent; no event follows. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#options.room.off('changed', this.#onRoom);
  }

  readonly #onRoom = (): void => {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#predicted = this.#predict();
      this.#tell();
    }, PREDICT_AFTER_MS);
  };

  #predict(): number {
    const { room, input, encoder } = this.#options;
    const peers = peersOf(room.people());
    const composition = { scene: room.scene.scene, peers, sources: sourcesOf(peers, room.sources()), active: null };
    const grid = gridFor(input.video.fps);
    return predictSlots({ composition, renditions: renditionsFor(input), encoder: encoder(), grid });
  }

  #rounded(): number {
    const slots = Math.max(LEAST_SLOTS, this.#predicted * this.#factor);
    // Binary fractions: 0.30000000000000004 must not become 0.35.
    return Math.ceil(slots / STEP_SLOTS - 1e-6) / (1 / STEP_SLOTS);
  }

  #tell(): void {
    const slots = this.#rounded();
    if (this.#closed || Math.abs(slots - this.#told) < TOLD_SLOTS - 1e-6) return;
    this.#told = slots;
    this.emit('changed', slots);
  }
}
