/** The one timer that drives all peers of a process. */
export const TICK_MS = 5;

export interface Paced {
  /** Sends what is due. */
  tick(): void;
}

export class Pacer {
  /** Longest time between two ticks, ms: by so much cameras and microphones were late. */
  longestMs = 0;
  readonly #members = new Set<Paced>();
  #timer: NodeJS.Timeout | undefined;

  add(member: Paced): void {
    this.#members.add(member);
    if (this.#timer) return;
    let before = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.longestMs = Math.max(this.longestMs, now - before);
      before = now;
      for (const each of this.#members) each.tick();
    }, TICK_MS);
  }

  /** Idempotent; without members no timer runs. */
  remove(member: Paced): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Shared by the peers of a process that are not given another. */
export const processPacer = new Pacer();
