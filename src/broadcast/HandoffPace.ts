/** Before anything is known: encoders are opened, and a key frame, a sender report and the first report of what is decoded are there, ms. */
const FIRST_WARM_MS = 1_800;
/** What comes in less is not waited for less: sources' clocks settle within a second of their first packet (RtpTimeline.ts), ms. */
const MIN_WARM_MS = 1_500;
const MAX_WARM_MS = 8_000;
/** How much the newest one counts. */
const SMOOTHING = 0.25;

/** What the handoffs of a node share: how many successors may warm up at once, and how long that takes. */
export class HandoffPace {
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #warmMs = FIRST_WARM_MS;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** From a compositor's first job to pictures of all sources, ms: what is usual here. */
  get warmMs(): number {
    return this.#warmMs;
  }

  learn(tookMs: number): void {
    const wanted = Math.min(MAX_WARM_MS, Math.max(MIN_WARM_MS, tookMs));
    this.#warmMs += (wanted - this.#warmMs) * SMOOTHING;
  }

  /** Resolves when one may begin, in the order of asking, with what gives the turn to the next. Rejects when aborted before. */
  async turn(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running >= this.#atOnce) await this.#wait(signal);
    else this.#running += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#next();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(onTurn), 1);
        reject(signal.reason);
      };
      this.#waiting.push(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** The turn goes from one to the next: in between nobody else can take it. */
  #next(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
