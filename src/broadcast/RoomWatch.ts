import type { RoomTap } from './RoomTap.ts';

/** After a crash people get this much time to come back, however short the grace is, ms: pages try again every 4 s. */
const RETURN_GRACE_MS = 15_000;

/** How long the room may be empty, ms. `resumed`: another process had the broadcast, and its people are on their way back. */
export const graceMsOf = ({ emptyGraceSeconds }: { emptyGraceSeconds: number }, resumed: boolean): number =>
  Math.max(emptyGraceSeconds * 1000, resumed ? RETURN_GRACE_MS : 0);

/** Tells when a room is no place for a broadcast any more: it is gone, or nobody has been in it for the grace time. */
export class RoomWatch {
  readonly #room: RoomTap;
  readonly #graceMs: number;
  readonly #onOver: (why: 'empty' | 'room-closed') => void;
  #grace: NodeJS.Timeout | undefined;

  constructor(room: RoomTap, graceMs: number, onOver: (why: 'empty' | 'room-closed') => void) {
    this.#room = room;
    this.#graceMs = graceMs;
    this.#onOver = onOver;
    room.on('changed', this.#onChanged);
    room.on('closed', this.#onClosed);
    this.#onChanged();
  }

  close(): void {
    clearTimeout(this.#grace);
    this.#room.off('changed', this.#onChanged);
    this.#room.off('closed', this.#onClosed);
  }

  readonly #onClosed = (): void => this.#onOver('room-closed');

  readonly #onChanged = (): void => {
    if (this.#room.people().length === 0) {
      this.#grace ??= setTimeout(() => this.#onOver('empty'), this.#graceMs);
      return;
    }
    clearTimeout(this.#grace);
    this.#grace = undefined;
  };
}
