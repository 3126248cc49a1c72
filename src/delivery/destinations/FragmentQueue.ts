import type { FeedFragment } from './ProgramFeed.ts';

/** Whole GOPs that may wait behind the one that is being sent: 8 s of the default grid. */
const MAX_WAITING_GOPS = 4;
/** The same in bytes, for programs with a high bitrate. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/**
 * What waits for a destination that is slower than the program. Bounded: when it overflows, the oldest whole GOP that has
 * not been begun is dropped, so the receiver sees a jump in time and never a picture that cannot be decoded.
 */
export class FragmentQueue {
  #fragments: FeedFragment[] = [];
  #bytes = 0;
  /** Of the GOP that is being pushed, and of the one before it. */
  #filling = 0;
  #whole = 0;

  get length(): number {
    return this.#fragments.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Size of a GOP, as the newest ones are; 0 before the first fragment. */
  get gopBytes(): number {
    return Math.max(this.#whole, this.#filling);
  }

  /** How many whole GOPs were dropped to make room. */
  push(fragment: FeedFragment): number {
    if (fragment.key) {
      this.#whole = this.#filling;
      this.#filling = 0;
    }
    this.#filling += fragment.bytes.length;
    this.#fragments.push(fragment);
    this.#bytes += fragment.bytes.length;
    let dropped = 0;
    while (this.#overflows() && this.#dropGop()) dropped += 1;
    return dropped;
  }

  shift(): FeedFragment | undefined {
    const fragment = this.#fragments.shift();
    this.#bytes -= fragment?.bytes.length ?? 0;
    return fragment;
  }

  /** Forgets what is older than the newest key frame, when nothing has been taken out yet. */
  keepNewestGop(): void {
    const start = this.#fragments.findLastIndex((f) => f.key);
    for (const { bytes } of this.#fragments.splice(0, Math.max(0, start))) this.#bytes -= bytes.length;
  }

  clear(): void {
    this.#fragments = [];
    this.#bytes = 0;
  }

  #overflows(): boolean {
    const gops = this.#fragments.reduce((sum, f) => sum + (f.key ? 1 : 0), 0);
    return gops > MAX_WAITING_GOPS + 1 || this.#bytes > MAX_WAITING_BYTES;
  }

  /** False when there is no GOP that is complete and not begun. */
  #dropGop(): boolean {
    const start = this.#fragments.findIndex((f) => f.key);
    const end = this.#fragments.findIndex((f, i) => f.key && i > start);
    if (start === -1 || end === -1) return false;
    for (const dropped of this.#fragments.splice(start, end - start)) this.#bytes -= dropped.bytes.length;
    return true;
  }
}
