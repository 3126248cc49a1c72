import type { HandoffPace } from './HandoffPace.ts';
import type { Waits } from './place/Ticket.ts';

/** Tells where it waits (place/BroadcastPlace.ts). */
interface Queued {
  on(event: 'waiting', listener: (waits: Waits | null) => void): unknown;
  off(event: 'waiting', listener: (waits: Waits | null) => void): unknown;
}

/** One handoff's turn to have a successor warm up. It is given to another while there is no place for that successor. */
export class HandoffTurn {
  readonly #pace: HandoffPace;
  readonly #signal: AbortSignal;
  #giveBack: (() => void) | undefined;

  constructor(pace: HandoffPace, signal: AbortSignal) {
    this.#pace = pace;
    this.#signal = signal;
  }

  /** Resolves when it is there; at once when it is there already. */
  async take(): Promise<void> {
    this.#giveBack ??= await this.#pace.turn(this.#signal);
  }

  /** Idempotent. */
  give(): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }

  /** Has `seek` look for a place, which calls back before it asks an agent. */
  async besides<T>(place: Queued, seek: (onTurn: () => Promise<void>) => Promise<T>): Promise<T> {
    const waits = (where: Waits | null) => {
      if (where) this.give();
    };
    place.on('waiting', waits);
    try {
      return await seek(() => this.take());
    } finally {
      place.off('waiting', waits);
    }
  }
}
