import type { RoomTap } from './RoomTap.ts';

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
