/** Whether a machine keeps up with blurring. Pure arithmetic. */

/** Below this a moving person is a slide show, pictures a second. */
const LEAST_FPS = 10;
/** So many rounds on end: one slow round is a stall of the machine, two are its pace. */
const SLOW_ROUNDS = 2;
/** How long a round of counting is, ms. */
export const ROUND_MS = 3_000;

/** Counts slow rounds. */
export class Pace {
  #slow = 0;

  /** `averageMs`: what a picture took in this round. True: it is too slow for this machine. */
  tooSlow(averageMs: number): boolean {
    this.#slow = averageMs > 1_000 / LEAST_FPS ? this.#slow + 1 : 0;
    return this.#slow >= SLOW_ROUNDS;
  }
}
