/** Judges one connection by what the server has acknowledged: whether it lives, and whether it keeps up. Pure; the clock is a number. */

/**
 * A connection on which nothing moves for this long although something waits is dead, ms. A way that is broken for some seconds is not: TCP's
 * retransmission timer has doubled meanwhile (RFC 6298 section 5.5), and the next try comes late.
 */
const STALL_LIMIT_MS = 5000;
/** Less than this on its way to the server is not a sign of waiting, bytes. */
const IDLE_BYTES = 16 * 1024;
/** A connection that has begun with a GOP at once, and has caught up after this, is not slow, ms. */
const SLOW_AFTER_MS = 3000;

export interface Sighting {
  /** Monotonic, ms. */
  now: number;
  /** Bytes that the server has taken since the connection began. */
  acknowledged: number;
  /** Bytes that were sent and are not acknowledged. */
  unacknowledged: number;
  /** As many of them as there may be: a second of the program, where it is measured. */
  limit: number;
  /** Something waits before it was sent. */
  waiting: boolean;
}

export class Liveness {
  #acknowledged = 0;
  #movedAt: number;
  #behindSince: number | undefined;
  #slow = false;

  constructor(now: number) {
    this.#movedAt = now;
  }

  /** It takes less than the program has. */
  get slow(): boolean {
    return this.#slow;
  }

  /** How long something has waited and nothing was taken, ms. */
  silenceMs(now: number): number {
    return now - this.#movedAt;
  }

  /** True: it is dead. */
  see({ now, acknowledged, unacknowledged, limit, waiting }: Sighting): boolean {
    this.#judgeSpeed(now, unacknowledged > limit / 2);
    if (acknowledged > this.#acknowledged || (!waiting && unacknowledged <= IDLE_BYTES)) {
      this.#acknowledged = Math.max(acknowledged, this.#acknowledged);
      this.#movedAt = now;
    }
    return now - this.#movedAt > STALL_LIMIT_MS;
  }

  /** Who keeps up has taken nearly everything whenever it is looked. */
  #judgeSpeed(now: number, behind: boolean): void {
    if (!behind) {
      this.#behindSince = undefined;
      this.#slow = false;
      return;
    }
    this.#behindSince ??= now;
    if (now - this.#behindSince >= SLOW_AFTER_MS) this.#slow = true;
  }
}
