/** Between two requests of one source, ms: mediasoup passes on no more to the browser while a producer is young. */
const MIN_INTERVAL_MS = 300;
/** First repetition of a request that brought no key frame, ms; doubles each time. Longer than a round trip over the world. */
const FIRST_REPEAT_MS = 500;
const MAX_REPEAT_MS = 4_000;

/**
 * When to ask for a key frame: at once, never twice within 300 ms, again and more seldom until one comes; and again at once when the
 * stream is heard after a silence, in which requests may have been lost as well.
 */
export class KeyFrameRequester {
  #wanted = false;
  #sentMs = Number.NEGATIVE_INFINITY;
  #repeatMs = 0;
  #notBeforeMs = 0;

  get wanted(): boolean {
    return this.#wanted;
  }

  /** A key frame is needed, asked for not before `notBeforeMs`. */
  want(notBeforeMs: number): void {
    if (this.#wanted) {
      this.#notBeforeMs = Math.min(this.#notBeforeMs, notBeforeMs);
      return;
    }
    this.#wanted = true;
    this.#notBeforeMs = notBeforeMs;
    this.#repeatMs = 0;
  }

  /** The stream is there again after a silence: what was asked for in it counts as lost. */
  heard(): void {
    this.#repeatMs = 0;
  }

  /** A key frame came. */
  satisfied(): void {
    this.#wanted = false;
  }

  /** True where a request is to be sent now; it counts as sent. */
  due(nowMs: number): boolean {
    if (!this.#wanted || nowMs < this.#notBeforeMs) return false;
    if (nowMs - this.#sentMs < Math.max(MIN_INTERVAL_MS, this.#repeatMs)) return false;
    this.#sentMs = nowMs;
    this.#repeatMs = this.#repeatMs === 0 ? FIRST_REPEAT_MS : Math.min(MAX_REPEAT_MS, 2 * this.#repeatMs);
    return true;
  }
}
