/** When each of the last 2 minutes' frames left: what a latency measurement subtracts. */
const KEPT = 4096;

export interface SentFrame {
  /** Frame of the capture clock; modulo 300 the counter in the picture. */
  frame: number;
  /** Wall clock, ms since 1970. */
  captureMs: number;
  /** When the frame's first RTP packet was sent, wall clock in ms. */
  sentMs: number;
}

export class SentFrames {
  readonly #ring: SentFrame[] = new Array(KEPT);

  add(frame: number, captureMs: number, sentMs: number): void {
    this.#ring[frame % KEPT] = { frame, captureMs, sentMs };
  }

  get(frame: number): SentFrame | undefined {
    const found = this.#ring[frame % KEPT];
    return found?.frame === frame ? found : undefined;
  }

  /** The frame with this counter in its picture that was captured last before `beforeMs`. */
  withCounter(counter: number, clipFrames: number, beforeMs: number): SentFrame | undefined {
    return this.all()
      .filter((f) => f.frame % clipFrames === counter && f.captureMs <= beforeMs)
      .at(-1);
  }

  all(): SentFrame[] {
    return this.#ring.filter((f) => f !== undefined).sort((a, b) => a.frame - b.frame);
  }
}
