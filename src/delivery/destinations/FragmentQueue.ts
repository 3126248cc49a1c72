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

  get length(): number {
    return this.#fragments.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many whole GOPs were dropped to make room. */
  push(fragment: FeedFragment): number {
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
