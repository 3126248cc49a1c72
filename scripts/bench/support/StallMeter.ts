import type { Page } from 'playwright-core';

/** How often the page looks at its player, ms. */
const LOOK_MS = 20;
/** The clock standing still for longer than this is a standstill that is told, ms: hls.js' own events fall below it. */
const STANDSTILL_MS = 150;
/** A step of `currentTime` that is this much more than the time that passed is a jump, seconds. */
const JUMP_SECONDS = 0.5;

export interface Stalls {
  /** Longest time that `currentTime` stood still, ms; one that still lasts counts. */
  clockMs: number;
  /** Longest time without a new picture on the screen, ms. */
  pictureMs: number;
  /** From the start to the end of the longest standstill of `currentTime`, ms. */
  clockEndMs: number;
  /** Seconds of program that were jumped over. */
  jumpedSeconds: number;
  currentTime: number;
  /** When the player said that it has nothing to play (`waiting`), ms after the start. */
  waits: number[];
  /** Each time that `currentTime` stood still, ms after the start and how long; one that still lasts is not there. */
  standstills: { at: number; ms: number }[];
}

/** What is used of the DOM's HTMLVideoElement. */
export interface PlayerElement {
  currentTime: number;
  requestVideoFrameCallback(listener: () => void): void;
  addEventListener(event: 'waiting', listener: () => void): void;
  removeEventListener(event: 'waiting', listener: () => void): void;
}

interface MeterState extends Stalls {
  stop(): void;
}

/** Looks at the watch page's player from within the page, so that no way to it counts. */
export class StallMeter {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** From now on; again: anew. */
  async start(): Promise<void> {
    await this.#page.locator('video').evaluate(
      (video: PlayerElement, [lookMs, jumpSeconds, standstillMs]: readonly [number, number, number]) => {
        const holder = globalThis as { stallMeter?: MeterState };
        holder.stallMeter?.stop();
        const startedAt = performance.now();
        let [movedAt, shownAt, lookedAt] = [startedAt, startedAt, startedAt];
        let last = video.currentTime;
        let stopped = false;
        const state: MeterState = {
          ...{
            clockMs: 0,
            pictureMs: 0,
            clockEndMs: 0,
            jumpedSeconds: 0,
            currentTime: last,
            waits: [],
            standstills: [],
          },
          stop() {
            stopped = true;
            clearInterval(timer);
            video.removeEventListener('waiting', waited);
          },
        };
        const waited = () => state.waits.push(performance.now() - startedAt);
        const look = () => {
          const now = performance.now();
          const time = video.currentTime;
          if (now - movedAt > state.clockMs) {
            state.clockMs = now - movedAt;
            state.clockEndMs = now - startedAt;
          }
          state.pictureMs = Math.max(state.pictureMs, now - shownAt);
          if (time !== last) {
            // It moved in some instant since the look before.
            const ms = lookedAt - movedAt;
            if (ms > standstillMs) state.standstills.push({ at: movedAt - startedAt, ms });
            movedAt = now;
          }
          const step = time - last - (now - lookedAt) / 1000;
          if (step > jumpSeconds) state.jumpedSeconds += step;
          state.currentTime = last = time;
          lookedAt = now;
        };
        const shown = () => {
          const now = performance.now();
          state.pictureMs = Math.max(state.pictureMs, now - shownAt);
          shownAt = now;
          if (!stopped) video.requestVideoFrameCallback(shown);
        };
        const timer = setInterval(look, lookMs);
        video.addEventListener('waiting', waited);
        video.requestVideoFrameCallback(shown);
        holder.stallMeter = state;
      },
      [LOOK_MS, JUMP_SECONDS, STANDSTILL_MS] as const,
    );
  }

  /** Until now. Throws when the page was reloaded meanwhile. */
  async read(): Promise<Stalls> {
    const stalls = await this.#page.evaluate(() => {
      const { stallMeter } = globalThis as { stallMeter?: MeterState };
      return stallMeter ? { ...stallMeter, stop: undefined } : null;
    });
    if (!stalls) throw new Error('the page was reloaded');
    return stalls;
  }
}
