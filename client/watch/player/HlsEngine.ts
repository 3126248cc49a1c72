/**
 * Plays a room's program with hls.js in low-latency mode, and keeps at it whatever happens: a hole in the program
 * (EXT-X-GAP, after a compositor died), a network that is gone for minutes, a decoder that gave up.
 */
import { signal } from '@preact/signals';
import Hls, { type ErrorData, ErrorTypes, Events, type HlsConfig, type LevelDetails } from 'hls.js';
import { Backoff } from '../../shared/backoff.ts';
import { chosenTrack } from './captionChoice.ts';
import type { CaptionTrack, Engine, EngineEvents, Kind, QualityLevel, Timeline } from './Engine.ts';
import { afterGap } from './gapJump.ts';
import { catchUpTarget, isStarved, rangesOf, rescueTarget, type StallView } from './stallRescue.ts';

const TICK_MS = 250;
/** hls.js mends most stalls itself within this time, ms; then we step in. */
const STALLED_MS = 1_200;
/** Between two of our own attempts, ms: a seek needs time to show. */
const RESCUE_EVERY_MS = 1_000;
/** Between two new beginnings of loading, ms: one takes this long on a slow line. */
const FEED_EVERY_MS = 4_000;
/** With less than this left to play, seconds, a hole that follows is jumped. */
const NEARLY_EMPTY_SECONDS = 0.25;
/** hls.js loads a part that it wants within this time, ms. */
const GAP_PATIENCE_MS = 400;
/** An AAC frame and its priming: where video begins, sound may begin this much later, seconds. */
const INTO_SEGMENT_SECONDS = 0.05;
/** Twice within this time, ms, and mending the decoder has not helped: everything is built anew. */
const MEDIA_ERRORS_MS = 10_000;
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 8_000;
/** Errors kept for tests and support. */
const MAX_ERRORS = 50;

const CONFIG: Partial<HlsConfig> = {
  lowLatencyMode: true,
  // fMP4 is passed through: a worker would cost more than it saves, and its script is a blob: URL.
  enableWorker: false,
  liveDurationInfinity: true,
  backBufferLength: 20,
  maxBufferLength: 20,
  // After a stall the latency is won back by playing a little faster, which nobody hears.
  maxLiveSyncPlaybackRate: 1.1,
  // Each stall moves the target this much away from the edge, seconds; the default of 1 is much for a target of 1.
  liveSyncOnStallIncrease: 0.34,
  detectStallWithCurrentTimeMs: 500,
  highBufferWatchdogPeriod: 1,
  nudgeMaxRetry: 10,
  capLevelToPlayerSize: true,
  // A blocked playlist request is answered after at most three target durations (RFC 8216bis, section 6.2.5.2).
  playlistLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 9_000,
      maxLoadTimeMs: 12_000,
      timeoutRetry: { maxNumRetry: 2, retryDelayMs: 0, maxRetryDelayMs: 0 },
      // In a broadcast's first two seconds its playlists are empty, which hls.js counts as an error, in each of them.
      errorRetry: { maxNumRetry: 100, retryDelayMs: 250, maxRetryDelayMs: 500, backoff: 'linear' },
    },
  },
  // A part that is not there now was lost: it is better to go on at the edge than to ask for it again and again.
  fragLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 5_000,
      maxLoadTimeMs: 10_000,
      timeoutRetry: { maxNumRetry: 1, retryDelayMs: 0, maxRetryDelayMs: 0 },
      errorRetry: { maxNumRetry: 2, retryDelayMs: 300, maxRetryDelayMs: 1_000 },
    },
  },
};

/** A recording is whole: it may be loaded ahead, and nothing is won by parts. */
const RECORDED_CONFIG: Partial<HlsConfig> = {
  ...CONFIG,
  lowLatencyMode: false,
  backBufferLength: 60,
  maxBufferLength: 60,
  startPosition: 0,
};

/** Figures for tests and support, at `window.lianmai.hls`. */
export interface HlsStats {
  latency: number | null;
  targetLatency: number | null;
  level: number;
  stalls: number;
  rescues: number;
  gaps: number;
  restarts: number;
  errors: { at: number; type: string; details: string; fatal: boolean }[];
}

export class HlsEngine implements Engine {
  readonly latency = signal<number | null>(null);
  readonly levels = signal<readonly QualityLevel[]>([]);
  readonly chosenLevel = signal(-1);
  readonly height = signal(0);
  readonly captions = signal<readonly CaptionTrack[]>([]);
  readonly chosenCaptions = signal(-1);
  readonly timeline = signal<Timeline | null>(null);
  readonly stats: HlsStats;

  readonly #video: HTMLVideoElement;
  readonly #url: string;
  readonly #events: EngineEvents;
  readonly #kind: Kind;
  readonly #backoff = new Backoff(RETRY_FIRST_MS, RETRY_MOST_MS);
  readonly #ticker: ReturnType<typeof setInterval>;
  #hls: Hls;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #lastTime = -1;
  #movedAt = performance.now();
  #rescuedAt = 0;
  /** It has stalled, and has not been near the live edge since; what the person does themselves ends this. */
  #behind = false;
  /** The person has gone back in time, and is to be left there. */
  #shifted = false;
  #fedAt = Number.NEGATIVE_INFINITY;
  readonly #listeners = new AbortController();
  #mediaErrorAt = -MEDIA_ERRORS_MS;
  /** The hole that is being jumped, or was last. */
  #gap: { target: number; seenAt: number; restarted: boolean } | undefined;
  #closed = false;

  static get supported(): boolean {
    return Hls.isSupported();
  }

  constructor(video: HTMLVideoElement, url: string, kind: Kind, stats: HlsStats, events: EngineEvents) {
    this.#video = video;
    this.#url = url;
    this.#events = events;
    this.#kind = kind;
    this.stats = stats;
    this.#hls = this.#start();
    for (const event of ['pause', 'ended'] as const)
      video.addEventListener(event, this.#notBehind, { signal: this.#listeners.signal });
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  setLevel(index: number): void {
    this.chosenLevel.value = index;
    this.#hls.nextLevel = index;
  }

  setCaptions(index: number): void {
    this.chosenCaptions.value = index;
    this.#hls.subtitleDisplay = index >= 0;
    this.#hls.subtitleTrack = index;
  }

  seekTo(seconds: number): void {
    this.#behind = false;
    this.#shifted = this.#kind === 'live';
    this.#video.currentTime = seconds;
  }

  seekToLive(): void {
    this.#behind = false;
    this.#shifted = false;
    const position = this.#hls.liveSyncPosition;
    if (position !== null) this.#video.currentTime = position;
    void this.#video.play().catch(() => undefined);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#ticker);
    clearTimeout(this.#retry);
    this.#listeners.abort();
    this.#hls.destroy();
  }

  readonly #notBehind = (): void => {
    this.#behind = false;
  };

  #start(): Hls {
    const hls = new Hls(this.#kind === 'live' ? CONFIG : RECORDED_CONFIG);
    hls.on(Events.ERROR, (_event, data) => this.#onError(data));
    hls.on(Events.MANIFEST_PARSED, (_event, { levels }) => {
      this.levels.value = levels.map((level, index) => ({ index, height: level.height, bitrate: level.bitrate }));
      if (this.chosenLevel.value >= levels.length) this.chosenLevel.value = -1;
      hls.nextLevel = this.chosenLevel.value;
    });
    hls.on(Events.LEVEL_SWITCHED, (_event, { level }) => {
      this.height.value = hls.levels[level]?.height ?? 0;
      this.stats.level = level;
    });
    hls.on(Events.LEVEL_LOADED, (_event, { details }) => {
      this.#backoff.success();
      if (!details.live && this.#kind === 'live') this.#events.onQuestion();
    });
    hls.on(Events.SUBTITLE_TRACKS_UPDATED, (_event, { subtitleTracks }) => {
      this.captions.value = subtitleTracks.map(({ name, lang: language = 'und' }, index) => ({
        ...{ index, name: name || language, language },
      }));
      // Right after this event hls.js chooses for itself: none.
      queueMicrotask(() => {
        if (hls === this.#hls) this.setCaptions(chosenTrack(this.captions.value));
      });
    });
    hls.attachMedia(this.#video);
    hls.loadSource(this.#url);
    return hls;
  }

  #onError({ type, details, fatal }: ErrorData): void {
    this.stats.errors.push({ at: Date.now(), type, details, fatal });
    if (this.stats.errors.length > MAX_ERRORS) this.stats.errors.shift();
    if (!fatal || this.#closed) return;
    if (type === ErrorTypes.MEDIA_ERROR && performance.now() - this.#mediaErrorAt > MEDIA_ERRORS_MS) {
      this.#mediaErrorAt = performance.now();
      this.#hls.recoverMediaError();
      return;
    }
    this.#events.onQuestion();
    this.#restartSoon();
  }

  /** Everything anew after a pause that grows. A network error may last; the page goes on trying for ever. */
  #restartSoon(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (this.#closed) return;
      this.stats.restarts++;
      this.#events.onBreak();
      this.#hls.destroy();
      this.#hls = this.#start();
      void this.#video.play().catch(() => undefined);
    }, this.#backoff.next());
  }

  /** Over lost segments to what comes after them, as soon as its first part is there. */
  #jumpGap(): void {
    const video = this.#video;
    const details = this.#hls.latestLevelDetails;
    if (!details || video.paused || video.readyState === 0) return;
    const bufferEnd = rangesOf(video.buffered).find(
      (range) => video.currentTime < range.end + INTO_SEGMENT_SECONDS,
    )?.end;
    if (bufferEnd === undefined || bufferEnd - video.currentTime > NEARLY_EMPTY_SECONDS) return;
    const target = afterGap({ fragments: details.fragments, parts: details.partList }, bufferEnd);
    if (target === null) return;
    const now = performance.now();
    if (target !== this.#gap?.target) {
      this.#gap = { target, seenAt: now, restarted: false };
      this.stats.gaps++;
    }
    const landing = target + INTO_SEGMENT_SECONDS;
    if (rangesOf(video.buffered).some((range) => range.start <= landing && range.end > landing)) {
      video.currentTime = landing;
      this.#rescuedAt = now;
    } else if (now - this.#gap.seenAt > GAP_PATIENCE_MS && !this.#gap.restarted) {
      // hls.js has stopped to load parts and waits for the whole segment. A start, unlike a seek, lets it load parts again;
      // done while it loads them, it would put the init segment in their midst, and all up to the next IDR be dropped.
      this.#gap.restarted = true;
      this.#hls.stopLoad();
      this.#hls.startLoad(target);
    }
  }

  #tick(): void {
    const hls = this.#hls;
    const video = this.#video;
    const known = hls.latestLevelDetails !== null && video.readyState > 0;
    this.latency.value = known && this.#kind === 'live' ? hls.latency : null;
    this.timeline.value = timelineOf(hls.latestLevelDetails, this.timeline.value);
    this.stats.latency = this.latency.value;
    this.stats.targetLatency = hls.targetLatency;
    this.#jumpGap();
    const now = performance.now();
    if (video.currentTime !== this.#lastTime || video.paused || video.ended) {
      this.#lastTime = video.currentTime;
      this.#movedAt = now;
      if (this.#behind) this.#catchUp();
      return;
    }
    if (now - this.#movedAt < STALLED_MS || now - this.#rescuedAt < RESCUE_EVERY_MS) return;
    if (this.#rescuedAt < this.#movedAt) this.stats.stalls++;
    this.#behind = true;
    this.#rescuedAt = now;
    const view = this.#view();
    const target = rescueTarget(view);
    if (target !== null) {
      this.stats.rescues++;
      video.currentTime = target;
    } else this.#feed(view);
  }

  /** The playlist goes on and nothing is loaded, whyever: loading begins anew at the edge, and the hole is then jumped. */
  #feed(view: StallView): void {
    const details = this.#hls.latestLevelDetails;
    const now = performance.now();
    if (!details || now - this.#fedAt < FEED_EVERY_MS) return;
    const gapAhead = details.fragments.some((f) => f.gap === true && f.end > view.currentTime);
    if (!isStarved(view, { listedEnd: details.partEnd, gapAhead })) return;
    this.#fedAt = now;
    this.stats.rescues++;
    this.#hls.stopLoad();
    this.#hls.startLoad(view.livePosition ?? -1);
  }

  #view(): StallView {
    return {
      currentTime: this.#video.currentTime,
      buffered: rangesOf(this.#video.buffered),
      // Who has gone back in time is not to be taken to the live edge by a slow network.
      livePosition: this.#shifted ? null : this.#hls.liveSyncPosition,
    };
  }

  /** hls.js plays faster only while it is less than a segment late; what a stall has cost beyond that is jumped over. */
  #catchUp(): void {
    const view = this.#view();
    const target = catchUpTarget(view);
    if (target === 'near') this.#behind = false;
    else if (target !== null) this.#video.currentTime = target;
  }
}

/** `last` is answered again when nothing has changed, so that nothing is drawn again. */
function timelineOf(details: LevelDetails | null, last: Timeline | null): Timeline | null {
  const first = details?.fragments[0];
  if (!details || !first) return null;
  const { programDateTime } = first;
  const next: Timeline = {
    start: first.start,
    end: Math.max(details.edge, details.partEnd),
    zeroMs: programDateTime === null ? null : programDateTime - first.start * 1000,
  };
  const same = last && next.start === last.start && next.end === last.end && next.zeroMs === last.zeroMs;
  return same ? last : next;
}

export const newHlsStats = (): HlsStats => ({
  latency: null,
  targetLatency: null,
  level: -1,
  stalls: 0,
  rescues: 0,
  gaps: 0,
  restarts: 0,
  errors: [],
});
