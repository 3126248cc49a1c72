/** Follows a room's media playlist as a player does, through errors and restarts, and keeps account of what must not happen. */
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 150;

export class PlaylistFollower {
  readonly url: string;
  /** Segments that were ever marked as lost. */
  readonly #gaps = new Set<number>();
  /** Media sequence numbers, or newest segments, that went back: `[before, after]`. */
  readonly backwards: [number, number][] = [];
  readonly inits = new Set<string>();
  discontinuities = 0;
  /** The newest whole segment that is there. */
  newest = -1;
  /** EXT-X-MEDIA-SEQUENCE. */
  sequence = -1;
  ended = false;
  text = '';
  /** When whole segments and parts were listed first, on performance.now(); parts as `SEGMENT.PART`. */
  readonly listedAt = new Map<string, number>();
  /** Answers that were none, or no playlist. */
  failures = 0;
  #closed = false;
  readonly #listeners = new Set<() => void>();

  private constructor(url: string) {
    this.url = url;
  }

  /** Of the first video rendition below a multivariant playlist; waits until that is there. */
  static async start(multivariant: string, limitMs = 30_000): Promise<PlaylistFollower> {
    for (const until = performance.now() + limitMs; ; ) {
      const text = await (await fetch(multivariant)).text();
      const name = text.split('\n').find((line) => line.endsWith('.m3u8') && !line.startsWith('#'));
      if (name) {
        const follower = new PlaylistFollower(new URL(name, multivariant).href);
        void follower.#follow();
        return follower;
      }
      if (performance.now() > until) throw new Error(`no playlist at ${multivariant}: ${text}`);
      await delay(POLL_MS);
    }
  }

  get gaps(): number[] {
    return [...this.#gaps].sort((a, b) => a - b);
  }

  async until(done: (now: PlaylistFollower) => boolean, what: string, limitMs = 40_000): Promise<void> {
    if (done(this)) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(check);
        reject(new Error(`did not come about within ${limitMs} ms: ${what}\n${this.text}`));
      }, limitMs);
      const check = (): void => {
        if (!done(this)) return;
        clearTimeout(timer);
        this.#listeners.delete(check);
        resolve();
      };
      this.#listeners.add(check);
    });
  }

  close(): void {
    this.#closed = true;
  }

  async #follow(): Promise<void> {
    while (!this.#closed && !this.ended) {
      try {
        const answer = await fetch(this.url);
        if (answer.ok) this.#read(await answer.text());
        else this.failures += 1;
      } catch {
        this.failures += 1;
      }
      for (const listener of this.#listeners) listener();
      await delay(POLL_MS);
    }
  }

  #read(text: string): void {
    this.text = text;
    const sequence = Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)$/m.exec(text)?.[1]);
    const names = [...text.matchAll(/^(\d+)\.m4s$/gm)].map((m) => Number(m[1]));
    const newest = names.at(-1) ?? this.newest;
    if (sequence < this.sequence) this.backwards.push([this.sequence, sequence]);
    if (newest < this.#newestListed) this.backwards.push([this.#newestListed, newest]);
    this.#newestListed = newest;
    this.sequence = sequence;
    let gap = false;
    for (const line of text.split('\n')) {
      if (line === '#EXT-X-GAP') gap = true;
      const number = /^(\d+)\.m4s$/.exec(line)?.[1];
      if (number === undefined) continue;
      if (gap) this.#gaps.add(Number(number));
      else {
        this.newest = Math.max(this.newest, Number(number));
        this.#listed(number);
      }
      gap = false;
    }
    for (const [, name = ''] of text.matchAll(/^#EXT-X-PART:[^\n]*URI="(\d+\.\d+)\.m4s"(?!.*GAP=YES)/gm))
      this.#listed(name);
    for (const [, name] of text.matchAll(/#EXT-X-MAP:URI="([^"]+)"/g)) this.inits.add(name ?? '');
    this.discontinuities += text.match(/^#EXT-X-DISCONTINUITY$/gm)?.length ?? 0;
    this.ended = text.includes('#EXT-X-ENDLIST');
  }

  #listed(name: string): void {
    if (!this.listedAt.has(name)) this.listedAt.set(name, performance.now());
  }

  #newestListed = -1;
}
