/**
 * Checks a presentation as it is served: the multivariant playlist at a URL, all that it names, and the server's answers, for as
 * long as it is told. In: a URL. Out: findings, and what was measured.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from './live/Context.ts';
import { ask } from './live/Context.ts';
import { checkTruth } from './live/checkTruth.ts';
import { Follower } from './live/Follower.ts';
import { HttpClient } from './live/HttpClient.ts';
import { PositionBoard } from './live/PositionBoard.ts';
import { probeHttp2 } from './live/probeHttp2.ts';
import { probe, probePlaylist } from './live/probes.ts';
import { parsePlaylist } from './parse/parsePlaylist.ts';
import type { MultivariantPlaylist } from './parse/playlist.ts';
import { checkMultivariant } from './playlist/checkMultivariant.ts';
import { checkSet } from './playlist/checkSet.ts';
import { type Finding, Findings, type Report } from './rules/Findings.ts';

export interface CheckOptions {
  /** Of a multivariant or a media playlist. */
  url: string;
  /** How long a live presentation is followed. */
  seconds: number;
  /** Ends the check early, as if its time were over. */
  signal?: AbortSignal;
}

export interface CheckResult {
  findings: Finding[];
  /** What was looked at. */
  renditions: {
    url: string;
    versions: number;
    /** Seconds of segments that were read, and bits a second of them. */
    seconds: number;
    average: number;
    peak: number;
    /** How far the wall clock was behind the dates at least, and how that changed, ms. */
    lagMs: number | null;
    driftMs: number | null;
  }[];
}

/** How long a playlist is waited for, and how often it is looked for, ms. */
const APPEAR_MS = 15_000;
const APPEAR_LOOK_MS = 200;
/** Headroom for what is held when the time is over, ms. */
const GRACE_MS = 45_000;

export async function checkPresentation({ url, seconds, signal }: CheckOptions): Promise<CheckResult> {
  const over = new AbortController();
  const hard = new AbortController();
  const timers = [
    setTimeout(() => over.abort(), seconds * 1000),
    setTimeout(() => hard.abort(new Error('the server keeps requests hanging')), seconds * 1000 + GRACE_MS),
  ];
  signal?.addEventListener('abort', () => over.abort(), { once: true });
  if (signal?.aborted) over.abort();
  const client = new HttpClient(hard.signal);
  const findings = new Findings();
  const context: Context = { client, findings, board: new PositionBoard(), offset: { ms: null }, over: over.signal };
  try {
    return await new Check(context, url).run();
  } finally {
    for (const timer of timers) clearTimeout(timer);
    client.close();
  }
}

class Check {
  readonly #context: Context;
  readonly #url: string;
  readonly #report: Report;

  constructor(context: Context, url: string) {
    this.#context = context;
    this.#url = url;
    this.#report = context.findings.at(url);
  }

  async run(): Promise<CheckResult> {
    const multivariant = await this.#multivariant();
    const urls = multivariant ? mediaUrlsOf(multivariant, this.#url) : [this.#url];
    const captions = new Set(multivariant ? captionUrlsOf(multivariant, this.#url) : []);
    const followers = urls.map((url) => new Follower(this.#context, url, captions.has(url)));
    const opened = await Promise.all(followers.map((follower) => follower.open()));
    const there = followers.filter((_, i) => opened[i]);
    await Promise.all([...there.map((follower) => follower.follow()), this.#probe(there)]);
    const named = there.flatMap(({ url, playlist }) => (playlist ? [{ url, playlist }] : []));
    checkSet(multivariant, named, this.#report);
    // What the multivariant playlist says by now is measured longest.
    const newest = multivariant ? await this.#multivariant() : null;
    if (newest) checkTruth(newest, this.#url, there, this.#report);
    const renditions = there.map((follower) => {
      const { rates } = follower.reader;
      return {
        ...{ url: follower.url, versions: follower.versions, seconds: rates.seconds },
        ...{ average: Math.round(rates.average), peak: Math.round(rates.peak(follower.playlist?.target ?? 0)) },
        ...follower.dates.judge(follower.report),
      };
    });
    return { findings: this.#context.findings.all, renditions };
  }

  /** null: it is a media playlist. Rejects when there is nothing. */
  async #multivariant(): Promise<MultivariantPlaylist | null> {
    const look = () => ask(this.#context, this.#url, this.#report, { headers: { 'accept-encoding': 'gzip' } });
    let answer = await look();
    // What has just gone live has its playlist when the first parts are there.
    for (const until = performance.now() + APPEAR_MS; answer.status === 404 && performance.now() < until; ) {
      await delay(APPEAR_LOOK_MS);
      answer = await look();
    }
    if (answer.status !== 200) throw new Error(`${this.#url}: ${answer.status}`);
    const playlist = parsePlaylist(answer.body, this.#report);
    if (playlist.kind === 'media') return null;
    checkMultivariant(playlist, this.#report);
    return playlist;
  }

  /** In the middle of the following, one playlist after the other. */
  async #probe(followers: readonly Follower[]): Promise<void> {
    if (this.#url.startsWith('https:')) await probeHttp2(this.#url, this.#report);
    for (const follower of followers) {
      const { url, report, playlist: first } = follower;
      if (first) await probe(this.#context, { url, report, playlist: () => follower.playlist ?? first });
    }
    const first = followers[0]?.playlist;
    if (first && followers[0]?.url !== this.#url)
      await probePlaylist(this.#context, { url: this.#url, report: this.#report }, first.target);
  }
}

/** All media playlists that a multivariant playlist names. */
export function mediaUrlsOf({ variants, renditions }: MultivariantPlaylist, base: string): string[] {
  const uris = [
    ...variants.map(({ uri }) => uri),
    ...renditions.map(({ attributes }) => attributes.get('URI') ?? null),
  ];
  return [...new Set(uris.filter((uri) => uri !== null).map((uri) => new URL(uri, base).href))];
}

/** Those of subtitles. */
export const captionUrlsOf = ({ renditions }: MultivariantPlaylist, base: string): string[] =>
  renditions
    .filter(({ attributes }) => attributes.get('TYPE') === 'SUBTITLES')
    .flatMap(({ attributes }) => attributes.get('URI') ?? [])
    .map((uri) => new URL(uri, base).href);
