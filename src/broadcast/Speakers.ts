/**
 * Who speaks in a broadcast's room, for its life: outlives compositors, so that a successor shows the same. In: the room's levels and
 * changes. Out: `changed` when `active` or `speaking` is another, at most five times a second. (previous: ActiveSpeaker.ts, next: CompositorRun.ts)
 */
import type { Clock } from '../common/clock.ts';
import { TypedEmitter } from '../common/TypedEmitter.ts';
import type { PeerId } from '../contracts/ids.ts';
import { ActiveSpeaker } from './ActiveSpeaker.ts';
import { audible } from './audible.ts';
import type { RoomTap, SpeakerLevel } from './RoomTap.ts';

/** Marks that change faster than this flicker, and each change is a job, ms. */
const TELL_INTERVAL_MS = 200;

export class Speakers extends TypedEmitter<{ changed: [] }> {
  readonly #room: RoomTap;
  readonly #clock: Clock;
  readonly #choice = new ActiveSpeaker();
  #told: { active: PeerId | null; speaking: PeerId[] } = { active: null, speaking: [] };
  #toldAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(room: RoomTap, clock: Clock) {
    super();
    this.#room = room;
    this.#clock = clock;
    room.on('changed', this.#onChanged);
    room.on('levels', this.#onLevels);
    this.#onChanged();
  }

  /** As last told. */
  get active(): PeerId | null {
    return this.#told.active;
  }

  get speaking(): readonly PeerId[] {
    return this.#told.speaking;
  }

  readonly #onChanged = (): void => {
    // Nobody sends anything: a mediasoup worker died, and they are about to come back. Whoever speaks is kept.
    if (this.#room.sources().length === 0 && this.#room.people().length > 0) return;
    this.#choice.allow(audible(this.#room), this.#clock.now());
    this.#look();
  };

  readonly #onLevels = (levels: SpeakerLevel[]): void => {
    this.#choice.hear(levels, this.#clock.now());
    this.#look();
  };

  /** Tells what is another than it was told, now or when the interval is over; looks again when somebody will have fallen silent. */
  #look(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const now = this.#clock.now();
    const next = { active: this.#choice.active, speaking: this.#choice.speaking(now) };
    const same = next.active === this.#told.active && next.speaking.join() === this.#told.speaking.join();
    // Somebody who is gone or muted is not waited for.
    const urgent = this.#told.active !== null && next.active !== this.#told.active;
    const wait = this.#toldAt + TELL_INTERVAL_MS - now;
    if (!same && (urgent || wait <= 0)) {
      this.#told = next;
      this.#toldAt = now;
      this.emit('changed');
    }
    const again = same || urgent || wait <= 0 ? this.#choice.nextSilenceMs(now) - now : wait;
    // One more millisecond: a timer may fire a little early.
    if (Number.isFinite(again)) this.#timer = setTimeout(() => this.#look(), Math.max(0, again) + 1);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#room.off('changed', this.#onChanged);
    this.#room.off('levels', this.#onLevels);
  }
}
