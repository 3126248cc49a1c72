/** A round that failed is tried again after, ms. */
const RETRY_MS = 1_000;

export interface RoundsOptions {
  round: () => Promise<void>;
  /** Whether there is anything that a round is for. */
  needed: () => boolean;
  /** A round failed. */
  onError: (error: unknown) => void;
}

/** Rounds over what is shared, which must not overlap: one at a time, and one more for all who asked meanwhile. */
export class Rounds {
  readonly #options: RoundsOptions;
  #running = false;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A round at once, or as soon as the one that runs is over. */
  soon(): void {
    if (this.#closed || !this.#options.needed()) return;
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    this.#run().catch((error: unknown) => {
      this.#running = false;
      this.#options.onError(error);
      this.after(RETRY_MS);
    });
  }

  /** One after so long, ms, instead of what was planned before; infinite: none is planned. */
  after(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#closed || !Number.isFinite(ms)) return;
    this.#timer = setTimeout(() => this.soon(), Math.max(1, Math.ceil(ms))).unref();
  }

  /** Begins no other. Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      await this.#options.round();
    }
    this.#running = false;
  }
}
