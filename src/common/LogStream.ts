/**
 * Where the log's lines go: a file descriptor, without ever waiting for its reader. In: lines of pino; out: the same, several at once.
 * Queue: what the reader has not taken yet. Drop policy: more than MAX_WAITING is dropped, the newest first, and said when there is room again; once nobody
 * reads any more (EPIPE), all of it is.
 *
 * pino's own stream, sonic-boom 4, does the same but for one thing: at the end of a process whose log nobody reads any more its flushSync
 * tries for ever, so that the process never ends.
 */
import { write, writeSync } from 'node:fs';

/** Characters: some minutes of a busy server's log. */
const MAX_WAITING = 8 << 20;
/** After EAGAIN, a pipe that is full, ms. */
const RETRY_MS = 50;
/** At the end of the process what waits is tried for so long, ms. */
const LAST_MS = 500;

const isFull = (error: NodeJS.ErrnoException): boolean => error.code === 'EAGAIN' || error.code === 'EBUSY';

export class LogStream {
  readonly #fd: number;
  #waiting: string[] = [];
  #size = 0;
  #dropped = 0;
  #writing = false;
  #isBroken = false;

  constructor(fd: number) {
    this.#fd = fd;
    process.once('exit', () => this.flushSync());
  }

  write(line: string): void {
    if (this.#isBroken) return;
    if (this.#size + line.length > MAX_WAITING) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) this.#push(`{"level":40,"msg":"${this.#dropped} lines of the log were dropped"}\n`);
    this.#dropped = 0;
    this.#push(line);
    if (!this.#writing) this.#next();
  }

  /** Writes what waits; returns when it is written, when nobody reads it, or after half a second. Called by pino after a fatal line, too. */
  flushSync(): void {
    let rest = Buffer.from(this.#take());
    const until = performance.now() + LAST_MS;
    while (rest.length > 0 && !this.#isBroken && performance.now() < until) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        if (!isFull(error as NodeJS.ErrnoException)) this.#break();
      }
    }
  }

  #push(line: string): void {
    this.#waiting.push(line);
    this.#size += line.length;
  }

  #take(): string {
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#size = 0;
    return text;
  }

  #next(): void {
    this.#writing = this.#waiting.length > 0 && !this.#isBroken;
    if (this.#writing) this.#put(Buffer.from(this.#take()));
  }

  #put(bytes: Buffer): void {
    write(this.#fd, bytes, (error, written) => {
      if (error && isFull(error)) setTimeout(() => this.#put(bytes), RETRY_MS).unref();
      else if (error) this.#break();
      else if (written < bytes.length) this.#put(bytes.subarray(written));
      else this.#next();
    });
  }

  #break(): void {
    this.#isBroken = true;
    this.#writing = false;
    this.#take();
  }
}
