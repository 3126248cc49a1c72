/**
 * A room as a viewer has it: asks what it does (StatePoller), plays each broadcast with an Engine of its own, and says in
 * one word how it stands. A new broadcast of the same room replaces the old one without a reload.
 */
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { PlaybackState } from '../../src/contracts/playback.ts';
import type { Problem } from '../shared/problems.ts';
import { remembered } from '../shared/storage.ts';
import { forgetPlayToken } from '../shared/tokens.ts';
import type { Engine, Kind } from './player/Engine.ts';
import { HlsEngine, newHlsStats } from './player/HlsEngine.ts';
import { NativeEngine } from './player/NativeEngine.ts';
import { StatePoller } from './player/StatePoller.ts';
import { type WatchState, watchStateOf } from './watchState.ts';

const TICK_MS = 250;
const CLOCK_SLACK_MS = 2_000;

export class WatchRoom {
  readonly room: string;
  readonly server = signal<PlaybackState | null>(null);
  readonly engine = signal<Engine | null>(null);
  /** The last time that the picture moved, ms of the monotonic clock; null before the first frame of this broadcast. */
  readonly #movedAt = signal<number | null>(null);
  readonly #now = signal(performance.now());
  readonly #unreachable = signal(false);
  readonly #finished = signal(false);
  readonly paused = signal(false);
  /** The browser lets nothing play, not even without sound: the person has to press play. */
  readonly blocked = signal(false);
  /** It plays without sound because the browser wants a click first. */
  readonly silenced = signal(false);
  /** The last picture is shown in place of the player's, which is gone until it is connected again. */
  readonly still = signal(false);
  /** What is played is a recording. */
  readonly recorded = signal(false);
  /** Where the player is, seconds on the media's clock. */
  readonly position = signal(0);
  readonly problem = signal<Problem | null>(null);
  /** Server's wall clock minus ours, ms; known while a broadcast is scheduled. */
  readonly clockOffset = signal(0);
  readonly hlsStats = newHlsStats();
  /** From opening the page to the first picture, ms; null: it was not live then, or there is none yet. */
  firstFrameMs: number | null = null;

  readonly state: ReadonlySignal<WatchState> = computed(() =>
    watchStateOf({
      server: this.server.value?.state ?? null,
      scheduled: (this.server.value?.scheduled ?? null) !== null,
      unreachable: this.#unreachable.value,
      playing: this.engine.value !== null,
      recorded: this.recorded.value,
      finished: this.#finished.value,
      paused: this.paused.value || this.blocked.value,
      movedAt: this.#movedAt.value,
      now: this.#now.value,
    }),
  );
  /** The first frame of this broadcast has been seen. */
  readonly started = computed(() => this.#movedAt.value !== null);

  /** Path of the recording that can be watched now; null: there is none, or the room is live. */
  readonly recording = computed(() => {
    const { state, recording = null } = this.server.value ?? {};
    return recording === null || state === 'live' ? null : `/recordings/${this.#pass}${recording}`;
  });
  /** What everything of the broadcast that is played lies below; null: none is. */
  readonly mediaBase = computed(() => {
    const { broadcast = null } = this.server.value ?? {};
    if (this.recorded.value) return this.recording.value;
    return broadcast === null ? null : `${this.#base}/${broadcast}`;
  });

  /** `~TOKEN/`, or nothing. */
  readonly #pass: string;
  /** What everything of the room's playback lies below. */
  readonly #base: string;
  readonly #poller: StatePoller;
  readonly #off = new AbortController();
  #video: HTMLVideoElement | undefined;
  #canvas: HTMLCanvasElement | undefined;
  #broadcast: string | null = null;
  /** The room was live when the page was opened. */
  #openedLive: boolean | undefined;
  #lastTime = 0;
  #ticker: ReturnType<typeof setInterval> | undefined;

  /** `playToken`: for a broadcast that wants one; the server has the last word. */
  constructor(room: string, playToken?: string) {
    this.room = room;
    this.#pass = playToken === undefined ? '' : `~${playToken}/`;
    this.#base = `/live/${this.#pass}${room}`;
    this.#poller = new StatePoller(`${this.#base}/state.json`, {
      onState: (state) => this.#onState(state),
      onFailure: () => {
        this.#unreachable.value = true;
      },
      onRefused: () => this.#onRefused(playToken !== undefined),
    });
  }

  /** Starts with the element that shows it, and the one that keeps its last picture. Once. */
  start(video: HTMLVideoElement, canvas: HTMLCanvasElement): void {
    if (this.#video) return;
    this.#video = video;
    this.#canvas = canvas;
    const { signal: off } = this.#off;
    video.addEventListener('ended', () => this.#onEnded(), { signal: off });
    video.addEventListener('play', () => this.#onPlay(), { signal: off });
    video.addEventListener(
      'pause',
      () => {
        this.paused.value = !video.ended;
      },
      { signal: off },
    );
    video.addEventListener(
      'volumechange',
      () => {
        if (!video.muted) this.silenced.value = false;
        if (this.silenced.value) return;
        remembered.set('muted', String(video.muted));
        if (video.volume > 0) remembered.set('volume', video.volume.toFixed(2));
      },
      { signal: off },
    );
    video.requestVideoFrameCallback?.((_now, { presentationTime }) => {
      if (this.#openedLive) this.firstFrameMs = Math.round(presentationTime);
    });
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#poller.now();
  }

  unmute(): void {
    if (!this.#video) return;
    this.#video.muted = false;
    if (this.#video.volume === 0) this.#video.volume = 1;
    void this.play();
  }

  async play(): Promise<void> {
    this.blocked.value = false;
    this.paused.value = false;
    await this.#tryToPlay();
  }

  /** Plays the room's newest recording in place of what has ended. */
  replay(): void {
    const path = this.recording.value;
    if (path === null || !this.#video) return;
    this.#stop();
    this.recorded.value = true;
    this.#play(`${path}/index.m3u8`, 'recorded');
  }

  seekTo(seconds: number): void {
    this.engine.value?.seekTo(seconds);
    this.position.value = seconds;
  }

  seekToLive(): void {
    this.blocked.value = false;
    this.engine.value?.seekToLive();
  }

  close(): void {
    this.#poller.close();
    this.#off.abort();
    clearInterval(this.#ticker);
    this.engine.value?.close();
    this.engine.value = null;
  }

  #onState(state: PlaybackState): void {
    this.#unreachable.value = false;
    this.server.value = state;
    if (state.scheduled) this.#setClock(state.scheduled.now - Date.now());
    this.#openedLive ??= state.state === 'live';
    // What has ended is played to its end by the engine that has it; whoever comes later sees that it has ended.
    if (state.state === 'live' && state.broadcast !== this.#broadcast) this.#playBroadcast(state.broadcast);
    if (state.state === 'idle' && !this.recorded.value) this.#stop();
  }

  /** An answer may have been in a cache for a second: within that nothing is set, so that no countdown flickers. */
  #setClock(offset: number): void {
    if (Math.abs(offset - this.clockOffset.value) > CLOCK_SLACK_MS) this.clockOffset.value = offset;
  }

  /** The broadcast wants a token, and this page has none that is good: nothing to be played until another link is opened. */
  #onRefused(hadToken: boolean): void {
    this.#stop();
    this.#poller.close();
    forgetPlayToken(this.room);
    this.problem.value = { code: hadToken ? 'unauthorized' : 'invitation-needed', detail: '' };
  }

  #playBroadcast(broadcast: string | null): void {
    this.#stop();
    this.#broadcast = broadcast;
    this.#play(`${this.#base}/index.m3u8`, 'live');
  }

  #play(url: string, kind: Kind): void {
    const video = this.#video;
    if (!video) return;
    const events = { onQuestion: () => this.#poller.now(), onBreak: () => this.#keepPicture() };
    if (HlsEngine.supported) this.engine.value = new HlsEngine(video, url, kind, this.hlsStats, events);
    else if (NativeEngine.supported(video)) this.engine.value = new NativeEngine(video, url, kind, events);
    else {
      this.problem.value = { code: 'no-player', detail: '' };
      return;
    }
    video.muted = remembered.get('muted') === 'true';
    video.volume = volumeOf(remembered.get('volume'));
    void this.#tryToPlay();
  }

  #stop(): void {
    this.engine.value?.close();
    this.engine.value = null;
    this.#broadcast = null;
    this.#movedAt.value = null;
    this.#finished.value = false;
    this.recorded.value = false;
    this.still.value = false;
    this.#lastTime = 0;
  }

  #keepPicture(): void {
    const video = this.#video;
    const canvas = this.#canvas;
    // Without a picture, the one that is kept stays.
    if (!video || !canvas || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext('2d')?.drawImage(video, 0, 0);
    this.still.value = true;
  }

  /** With sound if the browser lets us, else without, else by the person's own click. */
  async #tryToPlay(): Promise<void> {
    const video = this.#video;
    if (!video) return;
    try {
      await video.play();
    } catch (error) {
      // AbortError: a new source came in between, and is played in its turn.
      if (!(error instanceof Error) || error.name !== 'NotAllowedError') return;
      if (video.muted) {
        this.blocked.value = true;
        return;
      }
      this.silenced.value = true;
      video.muted = true;
      await this.#tryToPlay();
    }
  }

  #onPlay(): void {
    this.paused.value = false;
    this.#finished.value = false;
    this.blocked.value = false;
  }

  #onEnded(): void {
    this.#finished.value = true;
    this.#poller.now();
  }

  #tick(): void {
    // Over is over: nothing that trickles in later brings the picture back.
    const { value: state } = this.state;
    if ((state === 'ended' || state === 'scheduled') && this.engine.value) this.#stop();
    const time = this.#video?.currentTime ?? 0;
    this.#now.value = performance.now();
    this.position.value = time;
    if (time === this.#lastTime || !this.engine.value || (this.#video?.readyState ?? 0) < 2) return;
    // A seek is not playing; only time that passes is.
    if (this.#lastTime !== 0 && Math.abs(time - this.#lastTime) < 2) {
      this.#movedAt.value = this.#now.value;
      this.still.value = false;
    }
    this.#lastTime = time;
  }
}

/** What was remembered, if it is a volume; else full. */
function volumeOf(kept: string | undefined): number {
  const volume = Number(kept ?? 1);
  return volume > 0 && volume <= 1 ? volume : 1;
}
