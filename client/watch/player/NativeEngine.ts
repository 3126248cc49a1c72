import { signal } from '@preact/signals';
import { Backoff } from '../../shared/backoff.ts';
import { chosenTrack } from './captionChoice.ts';
import type { CaptionTrack, Engine, EngineEvents, Kind, QualityLevel, Timeline } from './Engine.ts';

const TICK_MS = 500;
/** A browser's own player mends itself; after this long without a step it is given the address anew, ms. */
const STALLED_MS = 8_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 8_000;
/** AVPlayer keeps about this far from the end of the seekable range, seconds. */
const EDGE_SECONDS = 1.5;

/** Safari on phones that have no MSE at all. It chooses the quality itself. */
export class NativeEngine implements Engine {
  readonly latency = signal<number | null>(null);
  readonly levels = signal<readonly QualityLevel[]>([]);
  readonly chosenLevel = signal(-1);
  readonly height = signal(0);
  readonly captions = signal<readonly CaptionTrack[]>([]);
  readonly chosenCaptions = signal(-1);
  readonly timeline = signal<Timeline | null>(null);
  readonly #video: HTMLVideoElement;
  readonly #url: string;
  readonly #events: EngineEvents;
  readonly #kind: Kind;
  readonly #backoff = new Backoff(RETRY_FIRST_MS, RETRY_MOST_MS);
  readonly #ticker: ReturnType<typeof setInterval>;
  readonly #listeners = new AbortController();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #lastTime = -1;
  #movedAt = performance.now();

  static supported(video: HTMLVideoElement): boolean {
    return video.canPlayType('application/vnd.apple.mpegurl') !== '';
  }

  constructor(video: HTMLVideoElement, url: string, kind: Kind, events: EngineEvents) {
    this.#video = video;
    this.#url = url;
    this.#events = events;
    this.#kind = kind;
    const { signal: off } = this.#listeners;
    video.addEventListener('error', () => this.#restartSoon(), { signal: off });
    video.addEventListener('ended', () => events.onQuestion(), { signal: off });
    video.addEventListener('playing', () => this.#backoff.success(), { signal: off });
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    video.src = url;
  }

  setLevel(): void {}

  setCaptions(index: number): void {
    this.chosenCaptions.value = index;
    [...this.#video.textTracks].forEach((track, i) => {
      track.mode = i === index ? 'showing' : 'disabled';
    });
  }

  seekTo(seconds: number): void {
    this.#video.currentTime = seconds;
  }

  seekToLive(): void {
    const { seekable } = this.#video;
    if (seekable.length > 0) this.#video.currentTime = seekable.end(seekable.length - 1) - EDGE_SECONDS;
    void this.#video.play().catch(() => undefined);
  }

  close(): void {
    this.#listeners.abort();
    clearInterval(this.#ticker);
    clearTimeout(this.#retry);
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  #restartSoon(): void {
    this.#events.onQuestion();
    clearTimeout(this.#retry);
    this.#movedAt = performance.now();
    this.#retry = setTimeout(() => {
      this.#events.onBreak();
      this.#video.src = this.#url;
      void this.#video.play().catch(() => undefined);
    }, this.#backoff.next());
  }

  /** The browser finds them in the playlist, one after the other; it has tracks of metadata, too. */
  #findCaptions(): void {
    const found = [...this.#video.textTracks].flatMap(({ kind, label, language }, index) =>
      kind === 'subtitles' || kind === 'captions'
        ? [{ index, name: label || language, language: language || 'und' }]
        : [],
    );
    if (found.length === this.captions.value.length) return;
    this.captions.value = found;
    this.setCaptions(chosenTrack(found));
  }

  #tick(): void {
    const video = this.#video;
    const { seekable } = video;
    this.height.value = video.videoHeight;
    const end = seekable.length > 0 ? seekable.end(seekable.length - 1) : null;
    this.latency.value = end === null || this.#kind === 'recorded' ? null : Math.max(0, end - video.currentTime);
    this.timeline.value = end === null ? null : { start: seekable.start(0), end, zeroMs: startDateOf(video) };
    this.#findCaptions();
    const now = performance.now();
    if (video.currentTime !== this.#lastTime || video.paused || video.ended) {
      this.#lastTime = video.currentTime;
      this.#movedAt = now;
    } else if (now - this.#movedAt > STALLED_MS) this.#restartSoon();
  }
}

/** Safari's `getStartDate`: the wall clock of the media's zero (HTML standard, media timeline). */
function startDateOf(video: HTMLVideoElement): number | null {
  const { getStartDate } = video as { getStartDate?: () => Date };
  const ms = getStartDate?.call(video).getTime() ?? Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
