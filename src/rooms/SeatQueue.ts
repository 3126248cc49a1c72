import { AppError } from '../contracts/errors.ts';

/** More would not be answered in a show, and each that goes has to be told to all behind it. */
export const MAX_ASKING = 100;

/** Who asks for a seat, in the order of asking. Pure book-keeping; SeatDesk.ts acts on it. */
export class SeatQueue<P> {
  /** With the place that each was told last. */
  readonly #asking = new Map<P, { place: number; waiting: number } | undefined>();

  get size(): number {
    return this.#asking.size;
  }

  has(peer: P): boolean {
    return this.#asking.has(peer);
  }

  /** Idempotent: who asks again keeps its place. Throws AppError `too-many`. */
  join(peer: P): void {
    if (this.#asking.has(peer)) return;
    if (this.#asking.size >= MAX_ASKING)
      throw new AppError('too-many', `${MAX_ASKING} people are asking already. Try again in a moment.`);
    this.#asking.set(peer, undefined);
  }

  /** Whether it was in the queue. */
  leave(peer: P): boolean {
    return this.#asking.delete(peer);
  }

  /** It is told its place again. */
  untold(peer: P): void {
    if (this.#asking.has(peer)) this.#asking.set(peer, undefined);
  }

  /** Who has another place, or another number of people around, than it was told last; from now on it counts as told. */
  news(): [peer: P, place: { place: number; waiting: number }][] {
    const waiting = this.#asking.size;
    const news: [P, { place: number; waiting: number }][] = [];
    for (const [i, [peer, told]] of [...this.#asking].entries()) {
      const now = { place: i + 1, waiting };
      if (told?.place === now.place && told.waiting === waiting) continue;
      this.#asking.set(peer, now);
      news.push([peer, now]);
    }
    return news;
  }
}
