/** Judges one connection by what the server has acknowledged: whether it lives, and whether it keeps up. Pure; the clock is a number. */

/** A connection on which nothing moves for this long although something waits is dead, ms. */
const STALL_LIMIT_MS = 5000;
/** Less than this on its way to the server is not a sign of waiting, bytes. */
const IDLE_BYTES = 16 * 1024;
/** Behind by more than this many GOPs is slow; the newest GOP alone is what a new connection begins with. */
const SLOW_GOPS = 1.25;
/** Caught up again. */
const KEEPS_UP_GOPS = 0.5;
/** For less than this a connection that has just begun may be behind, ms. */
const SLOW_AFTER_MS = 1000;

export interface Sighting {
  /** Monotonic, ms. */
  now: number;
  /** Bytes that the server has taken since the connection began. */
  acknowledged: number;
  /** Bytes that the kernel and we have for it. */
  waiting: number;
  /** ffmpeg takes nothing more. */
  blocked: boolean;
  /** Size of a GOP of the program, bytes; 0 when it is not known. */
  gopBytes: number;
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
  see({ now, acknowledged, waiting, blocked, gopBytes }: Sighting): boolean {
    this.#judgeSpeed(now, waiting, gopBytes);
    if (acknowledged > this.#acknowledged || (!blocked && waiting <= IDLE_BYTES)) {
      this.#acknowledged = Math.max(acknowledged, this.#acknowledged);
      this.#movedAt = now;
    }
    return now - this.#movedAt > STALL_LIMIT_MS;
  }

  #judgeSpeed(now: number, waiting: number, gopBytes: number): void {
    if (gopBytes === 0) return;
    if (waiting < KEEPS_UP_GOPS * gopBytes) this.#slow = false;
    if (waiting <= SLOW_GOPS * gopBytes) this.#behindSince = undefined;
    else this.#behindSince ??= now;
    if (this.#behindSince !== undefined && now - this.#behindSince >= SLOW_AFTER_MS) this.#slow = true;
  }
}
