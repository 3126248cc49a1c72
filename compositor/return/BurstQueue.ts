/** What is sent at once, packets: more overflow the socket's buffer on the other side (208 kB by default, where all publishers' packets wait). */
const BURST = 16;
/** Until the next burst, ms: a key frame of 120 kB is out within one frame period. */
const PAUSE_MS = 3;
/** A timer of a busy process comes late: then what should have gone meanwhile goes at once, so many at most. Else a program would wait ever longer. */
const MOST_AT_ONCE = 128;
/** Older ones are dropped beyond this many: a second of a program of 10 Mbit/s. */
const MOST_WAITING = 1_024;

/** Sends datagrams in their order, large frames in several bursts. */
export class BurstQueue {
  readonly #send: (datagram: Buffer) => void;
  readonly #waiting: Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** How many the present burst may still have, and when it began, ms. */
  #left = BURST;
  #begunAt = 0;

  constructor(send: (datagram: Buffer) => void) {
    this.#send = send;
  }

  add(datagram: Buffer): void {
    if (this.#waiting.length === 0 && this.#left > 0) {
      this.#left--;
      this.#send(datagram);
    } else {
      this.#waiting.push(datagram);
      if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    }
    if (this.#timer === undefined) this.#pause();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #pause(): void {
    this.#begunAt = performance.now();
    this.#timer = setTimeout(() => this.#next(), PAUSE_MS);
  }

  #next(): void {
    const passed = (performance.now() - this.#begunAt) / PAUSE_MS;
    const due = Math.min(MOST_AT_ONCE, Math.round(BURST * Math.max(1, passed)));
    const burst = this.#waiting.splice(0, due);
    this.#left = Math.max(0, BURST - burst.length);
    this.#timer = undefined;
    if (burst.length > 0) this.#pause();
    for (const datagram of burst) this.#send(datagram);
  }
}
