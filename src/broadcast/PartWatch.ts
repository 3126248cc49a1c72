import type { Clock } from '../common/clock.ts';

/** So many parts late in a row, and nothing new meanwhile: something is wrong with the compositor. */
const LATE_PARTS = 3;
/** Statistics come each second; a compositor whose frame number does not grow for this long stands still, ms. */
const PROGRESS_MS = 2_000;
/**
 * A compositor says something each half second, statistics and clock questions in turn. Where it is silent for this long besides, it does not
 * compose slowly, it does not run, ms: what is left of the time that three late parts take, and a half second is missed with room to spare.
 */
const SILENCE_MS = 1_250;
/** One that composes and yet puts nothing for this long is replaced all the same, ms. */
const PARTLESS_LIMIT_MS = 10_000;

/**
 * Judges from delivery's reports and a compositor's own whether it is gone. Slow is not gone: one whose parts come late, or that
 * still composes, keeps its place, since starting another takes more from a busy machine than it gives. One of which nothing at all
 * is heard, no part and no word, has been stopped, or its machine has.
 */
export class PartWatch {
  readonly #clock: Clock;
  #beganAt = 0;
  #partAt = 0;
  #progressAt = 0;
  #frame = -1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A compositor begins: nothing is expected of it before `at`, on the clock, ms. */
  begin(at: number): void {
    this.#partAt = Math.max(at, this.#clock.now());
    this.#beganAt = this.#partAt;
    this.#progressAt = this.#partAt;
    this.#frame = -1;
  }

  /** A whole part came. */
  part(): void {
    // Not back to before its beginning: a predecessor's parts may still come.
    this.#partAt = Math.max(this.#partAt, this.#clock.now());
  }

  /** The compositor has composed up to this frame. */
  progress(frame: number): void {
    // Not back to before its beginning: until then it reports that it stands at frame 0.
    if (frame > this.#frame) this.#progressAt = Math.max(this.#progressAt, this.#clock.now());
    this.#frame = frame;
  }

  /**
   * @param lateInARow parts that delivery misses, one after the other; @param partMs length of a part; @param heardAt when the compositor said
   * something, whatever it was, on the clock, ms.
   */
  isGone(lateInARow: number, partMs: number, heardAt: number): boolean {
    const now = this.#clock.now();
    const partless = now - this.#partAt;
    if (lateInARow < LATE_PARTS || partless < LATE_PARTS * partMs) return false;
    if (now - Math.max(heardAt, this.#beganAt) >= SILENCE_MS) return true;
    return partless >= PARTLESS_LIMIT_MS || now - this.#progressAt >= PROGRESS_MS;
  }
}
