/** Looks, shortly before their time is over, whether what is no longer listed can still be fetched (draft section 6.2.2). */
import { type MediaPlaylist, wholeSegments } from '../parse/playlist.ts';
import type { Report } from '../rules/Findings.ts';
import { ask, type Context } from './Context.ts';

/** So long before the last moment, ms. */
const MARGIN_MS = 500;

export class KeptMedia {
  readonly #context: Context;
  readonly #url: string;
  readonly #report: Report;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** When each segment was listed for the first time, ms; those that were there at the beginning have no such moment. */
  readonly #since = new Map<number, number>();
  #longest = 0;
  #asked: Promise<unknown> = Promise.resolve();

  constructor(context: Context, url: string, report: Report) {
    this.#context = context;
    this.#url = url;
    this.#report = report;
  }

  update(before: MediaPlaylist, after: MediaPlaylist): void {
    const now = performance.now();
    const length = wholeSegments(after).reduce((sum, { duration }) => sum + duration, 0);
    this.#longest = Math.max(this.#longest, length);
    const known = new Set(wholeSegments(before).map(({ msn }) => msn));
    for (const { msn } of wholeSegments(after)) if (!known.has(msn)) this.#since.set(msn, now);
    const listed = new Set(after.segments.flatMap(({ parts }) => parts.map(({ uri }) => uri)));
    for (const { parts } of before.segments) {
      const part = parts[0];
      if (part && !part.gap && !listed.has(part.uri)) this.#later('part-kept', part.uri, after.target * 3000);
    }
    for (const { msn, uri, duration, gap } of wholeSegments(before)) {
      const since = this.#since.get(msn);
      if (msn >= after.sequence || gap || since === undefined) continue;
      this.#since.delete(msn);
      this.#later('segment-kept', uri, since + (duration + this.#longest) * 1000 - now);
    }
  }

  #later(rule: 'part-kept' | 'segment-kept', uri: string, inMs: number): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.#asked = Promise.allSettled([this.#asked, this.#look(rule, uri, inMs)]);
      },
      Math.max(0, inMs - MARGIN_MS),
    );
    this.#timers.add(timer);
  }

  async #look(rule: 'part-kept' | 'segment-kept', uri: string, inMs: number): Promise<void> {
    const url = new URL(uri, this.#url).href;
    const { status } = await ask(this.#context, url, this.#report, { method: 'HEAD' });
    if (status !== 200) this.#report(rule, `${uri}: ${status}, ${(inMs / 1000).toFixed(1)} s after it was dropped`);
  }

  /** What is not due yet is not looked at any more. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await this.#asked;
  }
}
