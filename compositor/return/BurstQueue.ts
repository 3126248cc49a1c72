/** What is sent at once, packets: more overflow the socket's buffer on the other side (208 kB by default, where all publishers' packets wait). */
const BURST = 16;
/** Until the next burst, ms: a key frame of 120 kB is out within one frame period. */
const PAUSE_MS = 3;
/** Older ones are dropped beyond this many: a second of a program of 10 Mbit/s. */
const MOST_WAITING = 1_024;

/** Sends datagrams in their order, large frames in several bursts. */
export class BurstQueue {
  readonly #send: (datagram: Buffer) => void;
  readonly #waiting: Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** How many the present burst may still have. */
  #left = BURST;

  constructor(send: (datagram: Buffer) => void) {
    this.#send = send;
  }

  add(datagram: Buffer): void {
    if (this.#waiting.length === 0 && this.#left > 0) this.#now(datagram);
    else {
      this.#waiting.push(datagram);
      if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    }
    this.#timer ??= setTimeout(() => this.#next(), PAUSE_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #now(datagram: Buffer): void {
    this.#left--;
    this.#send(datagram);
  }

  #next(): void {
    this.#left = BURST;
    for (const datagram of this.#waiting.splice(0, BURST)) this.#now(datagram);
    this.#timer = this.#left === BURST ? undefined : setTimeout(() => this.#next(), PAUSE_MS);
  }
}
