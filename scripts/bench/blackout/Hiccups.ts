/** When this process did not run: what stands meanwhile stands for its sake. Sender, network and receiver of a bench are all in it. */
const TICK_MS = 10;
/** A tick that is later than this was kept from coming, ms. */
const LATE_MS = 30;

export class Hiccups {
  readonly #found: { fromMs: number; toMs: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();

  constructor() {
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      if (nowMs - this.#lastMs > TICK_MS + LATE_MS) this.#found.push({ fromMs: this.#lastMs, toMs: nowMs });
      this.#lastMs = nowMs;
    }, TICK_MS);
  }

  /** How much of that time it did not run, ms. */
  between(fromMs: number, toMs: number): number {
    return this.#found.reduce(
      (sum, gap) => sum + Math.max(0, Math.min(gap.toMs, toMs) - Math.max(gap.fromMs, fromMs)),
      0,
    );
  }

  /** The longest, ms. */
  get longestMs(): number {
    return Math.max(0, ...this.#found.map(({ fromMs, toMs }) => toMs - fromMs));
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
