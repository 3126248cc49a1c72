import type { SentLog } from './SentLog.ts';

/** Ages of frames at the moment at which each was seen for the first time: a program shows some of them twice. */
export class FirstSeen {
  readonly #log: SentLog;
  readonly #last = new Map<number, number>();
  readonly ages: number[] = [];
  /** Frames that nobody has sent: read wrongly. */
  unknown = 0;

  constructor(log: SentLog) {
    this.#log = log;
  }

  /** In the order in which they were seen; wall clock in ms. */
  add(peer: number, counter: number, seenMs: number): void {
    if (this.#last.get(peer) === counter) return;
    this.#last.set(peer, counter);
    const age = this.#log.ageOf(peer, counter, seenMs);
    if (age === null) this.unknown += 1;
    else this.ages.push(age);
  }
}
