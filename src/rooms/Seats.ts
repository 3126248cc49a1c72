import { AppError } from '../contracts/errors.ts';

/** Who sits, in the order in which they took their seat. Pure book-keeping; the room acts on it. */
export class Seats<P> {
  readonly #capacity: number;
  readonly #taken = new Set<P>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#taken.size;
  }

  /** In the order of sitting down. */
  get taken(): P[] {
    return [...this.#taken];
  }

  has(peer: P): boolean {
    return this.#taken.has(peer);
  }

  /** Idempotent. Throws AppError `room-full`. */
  take(peer: P): void {
    if (this.#taken.has(peer)) return;
    if (this.#taken.size >= this.#capacity) throw new AppError('room-full');
    this.#taken.add(peer);
  }

  /** Whether there was a seat to free. */
  free(peer: P): boolean {
    return this.#taken.delete(peer);
  }
}
