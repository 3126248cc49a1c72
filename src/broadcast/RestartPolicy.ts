/** The first replacement comes at once; then the wait doubles from here, ms. */
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 5_000;
/** A compositor that has worked this long was a good one: the next failure counts as the first, ms. */
const STABLE_MS = 10_000;

/** How long to wait before a compositor is replaced, so that one that crashes at once is not started in a tight loop. Pure. */
export class RestartPolicy {
  #failures = 0;

  /** After a failure; `workedMs`: how long it was live, 0 when it never was. */
  nextWaitMs(workedMs: number): number {
    if (workedMs >= STABLE_MS) this.#failures = 0;
    this.#failures += 1;
    return this.#failures === 1 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (this.#failures - 2), MAX_WAIT_MS);
  }
}
