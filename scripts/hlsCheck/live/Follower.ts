/**
 * Follows one media playlist as a low-latency player does: blocking reload, preload hints, delta updates beside whole ones. Each
 * version is checked for itself, against the one before, and by MediaReader against its media.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parsePlaylist } from '../parse/parsePlaylist.ts';
import { controlSeconds, liveEdge, type MediaPlaylist, orderOf } from '../parse/playlist.ts';
import { checkMedia } from '../playlist/checkMedia.ts';
import { checkUpdate } from '../playlist/checkUpdate.ts';
import { essenceOf, mergeDelta } from '../playlist/mergeDelta.ts';
import type { Report } from '../rules/Findings.ts';
import { CaptionReader } from './CaptionReader.ts';
import { ask, askMedia, type Context } from './Context.ts';
import { DateLog } from './DateLog.ts';
import { type Answer, maxAgeOf } from './HttpClient.ts';
import { KeptMedia } from './KeptMedia.ts';
import { MediaReader } from './MediaReader.ts';

/** Beside each so-many-th reload, a delta update is asked for and compared. */
const DELTA_EVERY = 4;
/** How long a reload is held at most, target durations (draft section 6.2.5.2). */
const HELD = 3;
/** An answer's way, and a busy machine, ms. */
const SLACK_MS = 500;

/** The next position that is not listed yet. */
interface Wanted {
  msn: number;
  part: number | null;
}

export class Follower {
  readonly url: string;
  readonly reader: MediaReader | CaptionReader;
  readonly report: Report;
  readonly dates = new DateLog();
  readonly #context: Context;
  readonly #kept: KeptMedia;
  /** Newest version, whole. */
  #playlist: MediaPlaylist | null = null;
  /** When the newest part, and the newest segment, was seen, ms. */
  #partAt = 0;
  #segmentAt = 0;
  #reading: Promise<void> = Promise.resolve();
  versions = 0;

  /** `captions`: its segments are WebVTT. */
  constructor(context: Context, url: string, captions = false) {
    this.url = url;
    this.#context = context;
    this.report = context.findings.at(url);
    this.reader = new (captions ? CaptionReader : MediaReader)(context, url, this.report);
    this.#kept = new KeptMedia(context, url, this.report);
  }

  get playlist(): MediaPlaylist | null {
    return this.#playlist;
  }

  /** The first version. False: there is none. */
  async open(): Promise<boolean> {
    const answer = await ask(this.#context, this.url, this.report, { headers: { 'accept-encoding': 'gzip' } });
    if (answer.status !== 200) {
      this.report('media-there', `the playlist is answered with ${answer.status}`);
      return false;
    }
    this.#partAt = this.#segmentAt = answer.firstByteAt;
    this.#take(answer);
    return this.#playlist !== null;
  }

  /** Until the time is over or the playlist has ended. */
  async follow(): Promise<void> {
    const { over } = this.#context;
    for (let turn = 0; this.#playlist && !this.#playlist.ended && !over.aborted; turn++) {
      if (this.#playlist.control?.attributes.has('CAN-BLOCK-RELOAD')) await this.#reload(this.#playlist, turn);
      else await this.#poll(this.#playlist);
    }
    await this.#reading;
    await this.#kept.close();
  }

  async #poll({ target }: MediaPlaylist): Promise<void> {
    await delay(target * 500, undefined, { signal: this.#context.over }).catch(() => undefined);
    const answer = await ask(this.#context, this.url, this.report);
    if (answer.status === 200) this.#take(answer);
    else this.report('media-there', `the playlist is answered with ${answer.status}`);
  }

  async #reload(playlist: MediaPlaylist, turn: number): Promise<void> {
    const wanted = nextOf(playlist);
    const query = queryOf(wanted);
    const hint = playlist.hints.find(({ type }) => type === 'PART');
    const hinted = hint ? this.#askHint(hint.uri) : Promise.resolve(null);
    const delta =
      turn % DELTA_EVERY === 0 ? ask(this.#context, `${this.url}?${query}&_HLS_skip=YES`, this.report) : null;
    const answer = await ask(this.#context, `${this.url}?${query}`, this.report, {
      headers: { 'accept-encoding': 'gzip' },
    });
    const heldMs = answer.firstByteAt - answer.sentAt;
    const boundMs = playlist.target * HELD * 1000 + SLACK_MS;
    if (heldMs > boundMs) this.report('block-bound', `held for ${(heldMs / 1000).toFixed(1)} s`);
    if (answer.status !== 200) {
      if (answer.status !== 503) this.report('block-answer', `${query}: ${answer.status}`);
      await delta;
      return this.#poll(playlist);
    }
    const age = maxAgeOf(answer);
    if (age === null || age < 1)
      this.report('cache-playlist', `${query}: max-age ${age ?? 'not given'}, none can share it`);
    const after = this.#take(answer);
    if (after && !after.ended && !reaches(after, wanted)) this.report('block-answer', `${query} is not in the answer`);
    this.#checkPrompt(answer, await Promise.race([hinted, delay(0, null)]), playlist);
    if (delta) await this.#checkDelta(await delta, playlist, query);
  }

  #askHint(uri: string): Promise<Answer | null> {
    const kept = this.#playlist?.target ?? 1;
    const answer = askMedia(this.#context, new URL(uri, this.url).href, this.report, kept);
    this.reader.hint(uri, answer);
    return answer;
  }

  /** The hinted part and the playlist that lists it were held for the same thing. */
  #checkPrompt(answer: Answer, hinted: Answer | null, { partTarget }: MediaPlaylist): void {
    if (!hinted || partTarget === null) return;
    const lateMs = answer.firstByteAt - hinted.firstByteAt;
    if (lateMs > partTarget * 1000 + SLACK_MS)
      this.report('block-prompt', `${lateMs.toFixed(0)} ms after the hinted part was answered`);
  }

  async #checkDelta(answer: Answer, before: MediaPlaylist, query: string): Promise<void> {
    if (answer.status !== 200) {
      this.report('delta-answer', `${query}: ${answer.status}`);
      return;
    }
    const delta = parsePlaylist(answer.body, this.report);
    const newest = this.#playlist;
    if (delta.kind !== 'media' || !newest) return;
    const offered = controlSeconds(before, 'CAN-SKIP-UNTIL');
    if (offered === null && delta.skipped !== null) this.report('delta-answer', 'a delta update, which is not offered');
    const skippable = offered === null ? 0 : skippableOf(delta, offered);
    if (offered !== null && !delta.ended && delta.skipped === null && skippable > 0)
      this.report('delta-answer', `${skippable} segments lie before the skip boundary, and none is skipped`);
    if (delta.skipped !== null) checkMedia(delta, this.report);
    const merged = mergeDelta(before, delta);
    if (!merged) this.report('delta-equal', `${delta.skipped} segments are skipped that the version before has not`);
    // Only of the same version: another part may have come between the two answers.
    else if (orderOf(liveEdge(merged)) === orderOf(liveEdge(newest)) && essenceOf(merged) !== essenceOf(newest))
      this.report('delta-equal', `${query}: merged it is another playlist`);
  }

  /** A whole version. */
  #take(answer: Answer): MediaPlaylist | null {
    const playlist = parsePlaylist(answer.body, this.report);
    if (playlist.kind !== 'media') {
      this.report('tag-place', 'a multivariant playlist where a media playlist was expected');
      return null;
    }
    this.versions += 1;
    checkMedia(playlist, this.report);
    const before = this.#playlist;
    if (before) {
      checkUpdate(before, playlist, this.report);
      this.#kept.update(before, playlist);
      this.#checkCadence(before, playlist, answer.firstByteAt);
    }
    this.#playlist = playlist;
    // An answer that a cache may have kept says nothing of the clock, nor of where others are.
    const fresh = before !== null;
    if (fresh) this.dates.add(playlist, performance.timeOrigin + answer.firstByteAt, this.report);
    this.#checkReports(playlist, answer);
    this.#reading = this.reader.take(playlist);
    return playlist;
  }

  #checkReports(playlist: MediaPlaylist, { sentAt, firstByteAt }: Answer): void {
    const { board } = this.#context;
    board.observe(this.url, orderOf(liveEdge(playlist)), sentAt, firstByteAt);
    for (const { uri, msn, part, line } of playlist.reports) {
      if (msn === null) continue;
      const about = new URL(uri, this.url).href;
      board.claim(about, orderOf({ msn, part }), sentAt, firstByteAt, (what) => this.report('report-true', what, line));
    }
  }

  #checkCadence(before: MediaPlaylist, after: MediaPlaylist, now: number): void {
    const holdBack = controlSeconds(after, 'PART-HOLD-BACK') ?? after.target * 3;
    const grown = orderOf(liveEdge(after)) > orderOf(liveEdge(before));
    const whole = (p: MediaPlaylist) => p.segments.findLast(({ uri }) => uri !== null)?.msn ?? -1;
    const check = (rule: 'part-cadence' | 'segment-cadence', since: number, seconds: number) => {
      if (now - since > seconds * 1000) this.report(rule, `${((now - since) / 1000).toFixed(2)} s`);
    };
    // That media are missing shows when they have not come; until then the playlist stands (draft 6.2.1 wants it signalled, not when).
    const edge = before.segments.at(-1)?.msn ?? 0;
    const lost = after.segments.some(({ gap, msn }) => gap && msn >= edge);
    if (grown || after.ended) {
      const { partTarget, target } = after;
      if (partTarget !== null) check('part-cadence', this.#partAt, lost ? HELD * target : partTarget + holdBack);
      this.#partAt = now;
    }
    if (whole(after) > whole(before) || after.ended) {
      check('segment-cadence', this.#segmentAt, 1.5 * after.target + holdBack);
      this.#segmentAt = now;
    }
  }
}

export function nextOf(playlist: MediaPlaylist): Wanted {
  const last = playlist.segments.at(-1);
  if (!last) return { msn: playlist.sequence, part: null };
  if (playlist.partTarget === null) return { msn: last.msn + 1, part: null };
  return last.uri === null ? { msn: last.msn, part: last.parts.length } : { msn: last.msn + 1, part: 0 };
}

/** Directives in the order of their bytes (draft section 6.2.5). */
export const queryOf = ({ msn, part }: Wanted): string =>
  part === null ? `_HLS_msn=${msn}` : `_HLS_msn=${msn}&_HLS_part=${part}`;

/** Whether the position that was asked for, or a later one, is listed. */
export function reaches({ segments }: MediaPlaylist, { msn, part }: Wanted): boolean {
  const last = segments.at(-1);
  if (!last || last.msn < msn) return false;
  if (last.msn > msn) return true;
  return last.uri !== null || (part !== null && last.parts.length > part);
}

/** How many of a version's segments lie further than the skip boundary from its end. */
function skippableOf({ segments, skipped }: MediaPlaylist, boundary: number): number {
  let behind = 0;
  let count = skipped ?? 0;
  for (const { duration } of segments.toReversed()) {
    if (behind >= boundary) count += 1;
    behind += duration ?? 0;
  }
  return count;
}
