import type { PlaybackState } from '../../../src/contracts/playback.ts';
import { Backoff } from '../../shared/backoff.ts';
import { parsePlaybackState } from './playbackState.ts';

/** Somebody who waits for the start sees it this much later at most, ms. */
const WAITING_MS = 1_500;
/** While it plays, a new broadcast or the end is noticed by the playlist first; this is the second way, ms. */
const LIVE_MS = 4_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 15_000;
/** An answer that takes longer will not come, ms. */
const ANSWER_MS = 8_000;

export interface PollerEvents {
  onState: (state: PlaybackState) => void;
  /** The server could not be asked; it is asked again. */
  onFailure: () => void;
  /** The server tells this page nothing: a token is missing, or not good any more. */
  onRefused: () => void;
}

/** Asks for a room's playback state, for ever. */
export class StatePoller {
  readonly #url: string;
  readonly #events: PollerEvents;
  readonly #backoff = new Backoff(RETRY_FIRST_MS, RETRY_MOST_MS);
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;

  /** `url`: of the room's state.json. */
  constructor(url: string, events: PollerEvents) {
    this.#url = url;
    this.#events = events;
    addEventListener('online', this.#onOnline);
  }

  readonly #onOnline = (): void => this.now();

  /** Asks at once, whatever was planned. */
  now(): void {
    clearTimeout(this.#timer);
    if (!this.#asking && !this.#abort.signal.aborted) void this.#ask();
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
    removeEventListener('online', this.#onOnline);
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    const wait = await this.#once();
    this.#asking = false;
    if (!this.#abort.signal.aborted) this.#timer = setTimeout(() => this.now(), wait);
  }

  /** Asks once; answers how long to wait until the next time, ms. */
  async #once(): Promise<number> {
    try {
      const response = await fetch(this.#url, {
        cache: 'no-store',
        signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      if (response.status === 401 || response.status === 403) {
        this.#events.onRefused();
        return RETRY_MOST_MS;
      }
      const state = response.ok ? parsePlaybackState(await response.json()) : undefined;
      if (!state) throw new Error(`state.json: ${response.status}`);
      this.#backoff.success();
      if (!this.#abort.signal.aborted) this.#events.onState(state);
      return state.state === 'live' ? LIVE_MS : WAITING_MS;
    } catch {
      if (!this.#abort.signal.aborted) this.#events.onFailure();
      return this.#backoff.next();
    }
  }
}
