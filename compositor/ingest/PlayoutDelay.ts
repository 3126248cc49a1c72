/**
 * How long after its capture a sample or picture of one peer is heard or seen, ms. One delay for all sources of a peer: this
 * is what keeps lips and voice together. It follows how late media was complete here, measured from capture: up at once, so
 * that the second late moment is the last; down at 10 ms/s, which a resampler hides (1 %), while it is much too long. Each frame
 * period less is a picture that is never shown: what is only a little too long goes down so slowly that nobody sees it.
 */
export const MIN_DELAY_MS = 20;
export const MAX_DELAY_MS = 400;
/** Before anything is known: encoding, a regional network and one retransmission, and a process on the way that is busy for a moment. */
const INITIAL_DELAY_MS = 130;
/** A picture may be shown 30 ms before its time (decode/Cadence.ts), and has to be decoded by then, ms. */
const MARGIN_MS = 40;
/** Lateness is kept as the worst of each 250 ms, for 10 s. The second worst counts: one hiccup in 10 s is not worth the delay. */
const BUCKET_MS = 250;
const BUCKETS = 40;
/** Down by this, ms per ms. */
const DOWN = 0.01;
/** Longer than needed by less than this is not much too long, ms: what a good network has at the start is kept. */
const SPARE_MS = 100;
/** Down by this then, ms per ms: a picture in 11 min. */
const DOWN_SLOWLY = 0.00005;
/** Nothing is lowered while less than this is known of a peer, ms. */
const LEARN_MS = 3_000;

interface History {
  worst: Float64Array;
  bucket: number;
}

export class PlayoutDelay {
  readonly #histories = new Map<string, History>();
  #valueMs: number;
  #updatedMs: number;
  #learntMs: number;

  constructor(nowMs: number, initialMs: number = INITIAL_DELAY_MS) {
    this.#valueMs = clamp(initialMs);
    this.#updatedMs = nowMs;
    this.#learntMs = nowMs + LEARN_MS;
  }

  get valueMs(): number {
    return this.#valueMs;
  }

  /** Media of `source` was complete `transitMs` after its capture. */
  observe(source: string, transitMs: number, nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    let history = this.#histories.get(source);
    if (!history) {
      history = { worst: new Float64Array(BUCKETS).fill(Number.NEGATIVE_INFINITY), bucket };
      this.#histories.set(source, history);
    }
    age(history, bucket);
    const slot = slotOf(bucket);
    if (transitMs <= (history.worst[slot] ?? 0)) return;
    history.worst[slot] = transitMs;
    if (transitMs + MARGIN_MS > this.#valueMs) this.#raise(needOf(history));
  }

  /** The mapping of `source` changed by a step: what was observed of it means nothing any more. */
  forget(source: string, nowMs: number): void {
    this.#histories.delete(source);
    this.#learntMs = nowMs + LEARN_MS;
  }

  /** To be called every 100 ms or so. */
  update(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#updatedMs);
    this.#updatedMs = nowMs;
    let needMs = Number.NEGATIVE_INFINITY;
    for (const history of this.#histories.values()) {
      age(history, Math.floor(nowMs / BUCKET_MS));
      needMs = Math.max(needMs, needOf(history));
    }
    if (needMs === Number.NEGATIVE_INFINITY) return;
    this.#raise(needMs);
    if (nowMs < this.#learntMs) return;
    const wantedMs = needMs + MARGIN_MS;
    const rate = this.#valueMs - wantedMs > SPARE_MS ? DOWN : DOWN_SLOWLY;
    this.#valueMs = clamp(Math.max(wantedMs, this.#valueMs - passedMs * rate));
  }

  #raise(needMs: number): void {
    if (needMs + MARGIN_MS > this.#valueMs) this.#valueMs = clamp(needMs + MARGIN_MS);
  }
}

const clamp = (ms: number): number => Math.min(MAX_DELAY_MS, Math.max(MIN_DELAY_MS, ms));

/** Program time may be below 0 before the first frame. */
const slotOf = (bucket: number): number => ((bucket % BUCKETS) + BUCKETS) % BUCKETS;

function age(history: History, bucket: number): void {
  for (let b = Math.max(history.bucket + 1, bucket - BUCKETS + 1); b <= bucket; b++) {
    history.worst[slotOf(b)] = Number.NEGATIVE_INFINITY;
  }
  if (bucket > history.bucket) history.bucket = bucket;
}

/** The second worst bucket, −Infinity where there are less than two. */
function needOf(history: History): number {
  let first = Number.NEGATIVE_INFINITY;
  let second = Number.NEGATIVE_INFINITY;
  for (const worst of history.worst) {
    if (worst > first) {
      second = first;
      first = worst;
    } else if (worst > second) second = worst;
  }
  return second;
}
