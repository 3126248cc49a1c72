/** Between two NACKs for one packet, ms. mediasoup sends a packet again at most once per round trip, which inside a cluster is less. */
const REPEAT_MS = 25;
/** NACKs for one packet: 16 × 25 ms is the longest that a hole is waited for. */
const MAX_TRIES = 16;
/** Missing packets that are asked for. A longer hole is an outage, which only a key frame ends. */
export const MAX_MISSING = 512;

interface Missing {
  sinceMs: number;
  nextMs: number;
  tries: number;
}

/** Which packets of one stream are missing, and when to ask for each of them again. */
export class NackScheduler {
  /** Keys grow: holes are found in the order of the index. */
  readonly #missing = new Map<number, Missing>();

  get pending(): boolean {
    return this.#missing.size > 0;
  }

  /** Packets `from` up to, not including, `to` are missing. */
  add(from: number, to: number, nowMs: number): void {
    for (let index = Math.max(from, to - MAX_MISSING); index < to; index++) {
      this.#missing.set(index, { sinceMs: nowMs, nextMs: nowMs, tries: 0 });
    }
    for (const index of this.#missing.keys()) {
      if (this.#missing.size <= MAX_MISSING) break;
      this.#missing.delete(index);
    }
  }

  /** True where the packet had been missing. */
  received(index: number): boolean {
    return this.#missing.delete(index);
  }

  /** Since when the packet is missing, ms; null where it is not known to be. */
  since(index: number): number | null {
    return this.#missing.get(index)?.sinceMs ?? null;
  }

  /** All below this index is given up. */
  forgetBelow(index: number): void {
    for (const key of this.#missing.keys()) {
      if (key >= index) break;
      this.#missing.delete(key);
    }
  }

  /** The process stood still: time in which nothing could be received does not count as waiting. */
  stalled(ms: number): void {
    for (const missing of this.#missing.values()) missing.sinceMs += ms;
  }

  /** The packets to ask for now. */
  due(nowMs: number): number[] {
    const indices: number[] = [];
    for (const [index, missing] of this.#missing) {
      if (missing.nextMs > nowMs || missing.tries >= MAX_TRIES) continue;
      missing.tries++;
      missing.nextMs = nowMs + REPEAT_MS;
      indices.push(index);
    }
    return indices;
  }
}
