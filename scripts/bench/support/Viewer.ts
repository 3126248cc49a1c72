/** The watch page in a real Chromium, at the live edge with hls.js; what it counts of interruptions from some moment on. */
import type { Browser, Page } from 'playwright-core';
import { eventually } from '../../../test/support/ServerProcess.ts';
import { StallMeter, type Stalls } from './StallMeter.ts';

const START_LIMIT_MS = 60_000;

interface PlayerStats {
  latency: number | null;
  gaps: number;
  rescues: number;
  restarts: number;
  errors: { at: number; details: string; fatal: boolean }[];
}

export interface Viewed {
  /** `waiting` events of the player and BUFFER_STALLED of hls.js, as `bench latency` counts them. */
  stalls: number;
  /** How long the player's clock stood still in all, s. */
  stalledS: number;
  /** Each standstill, from the start of the count, s. */
  standstills: { at: number; s: number }[];
  /** When the stalls were, s. */
  stalledAt: number[];
  jumpedS: number;
  /** Longest time without a new picture on the screen, s. */
  pictureS: number;
  /** Behind the live edge now, s. */
  latencyS: number | null;
  /** Holes that were jumped, own attempts to go on, players that were built anew. */
  mended: { gaps: number; rescues: number; restarts: number };
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;

export class Viewer {
  readonly #page: Page;
  readonly #meter: StallMeter;
  #fromMs = 0;
  #before: PlayerStats | undefined;

  private constructor(page: Page) {
    this.#page = page;
    this.#meter = new StallMeter(page);
  }

  /** Plays when this resolves. */
  static async open(browser: Browser, url: string, viewport: { width: number; height: number }): Promise<Viewer> {
    const page = await browser.newPage({ viewport });
    await page.goto(url);
    const video = page.locator('video');
    await video.waitFor({ state: 'attached' });
    const time = () => video.evaluate((element) => (element as unknown as { currentTime: number }).currentTime);
    await eventually(async () => (await time()) > 1, 'the watch page plays', START_LIMIT_MS);
    return new Viewer(page);
  }

  /** Counts from now on; again: anew. */
  async count(): Promise<void> {
    await this.#meter.start();
    this.#fromMs = Date.now();
    this.#before = await this.#stats();
  }

  async viewed(): Promise<Viewed> {
    const [seen, stats] = [await this.#meter.read(), await this.#stats()];
    const before = this.#before ?? { gaps: 0, rescues: 0, restarts: 0 };
    const errors = stats.errors.filter(({ at, details }) => details === 'bufferStalledError' && at >= this.#fromMs);
    const stalledAt = [...seen.waits, ...errors.map(({ at }) => at - this.#fromMs)].sort((a, b) => a - b);
    return {
      stalls: stalledAt.length,
      stalledAt: stalledAt.map((ms) => round(ms / 1000)),
      stalledS: round(sumMs(seen) / 1000),
      standstills: seen.standstills.map(({ at, ms }) => ({ at: round(at / 1000), s: round(ms / 1000) })),
      jumpedS: round(seen.jumpedSeconds),
      pictureS: round(seen.pictureMs / 1000),
      latencyS: stats.latency === null ? null : round(stats.latency),
      mended: {
        gaps: stats.gaps - before.gaps,
        rescues: stats.rescues - before.rescues,
        restarts: stats.restarts - before.restarts,
      },
    };
  }

  #stats(): Promise<PlayerStats> {
    return this.#page.evaluate(() => (globalThis as unknown as { lianmai: { hls: PlayerStats } }).lianmai.hls);
  }
}

const sumMs = ({ standstills }: Stalls): number => standstills.reduce((sum, { ms }) => sum + ms, 0);
