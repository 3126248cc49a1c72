import { setTimeout as delay } from 'node:timers/promises';
import { descendantsOf } from '../../../test/support/ServerProcess.ts';
import { residentBytesOf } from '../support/residentBytes.ts';
import { slopePerMinute } from './judge.ts';

const LOOK_EVERY_MS = 1000;
/** The playlists keep 30 s of the program in memory: until they have it, a server grows; some more for what comes late. */
const WARM_UP_SECONDS = 35;
const MB = 1024 * 1024;

export interface Memory {
  /** Of the server's own process, after its warm-up: first and last of the medians of ten looks, and the largest of all looks. */
  from_mb: number;
  to_mb: number;
  max_mb: number;
  mb_per_min: number;
  /** The largest ffmpeg. */
  ffmpeg_max_mb: number;
}

/** Looks at the resident memory of a server and of its ffmpegs each second. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #stop = new AbortController();
  readonly #samples: { seconds: number; mb: number }[] = [];
  readonly #running: Promise<void>;
  #ffmpegMb = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#running = this.#run();
    // `stop` tells of it.
    this.#running.catch(() => undefined);
  }

  /** Rejects when the server has ended meanwhile. */
  async stop(): Promise<Memory> {
    this.#stop.abort();
    await this.#running;
    const samples = this.#samples.filter(({ seconds }) => seconds >= WARM_UP_SECONDS);
    const values = samples.map(({ mb }) => mb);
    return {
      from_mb: median(values.slice(0, 10)),
      to_mb: median(values.slice(-10)),
      max_mb: Math.round(Math.max(...values)),
      mb_per_min: Number(slopePerMinute(samples).toFixed(1)),
      ffmpeg_max_mb: Math.round(this.#ffmpegMb),
    };
  }

  async #run(): Promise<void> {
    const startedMs = performance.now();
    while (!this.#stop.signal.aborted) {
      const seconds = (performance.now() - startedMs) / 1000;
      this.#samples.push({ seconds, mb: (await residentBytesOf(this.#pid)) / MB });
      for (const { pid, command } of await descendantsOf(this.#pid)) {
        if (!command[0]?.endsWith('ffmpeg')) continue;
        // One that has just ended has none.
        this.#ffmpegMb = Math.max(this.#ffmpegMb, (await residentBytesOf(pid).catch(() => 0)) / MB);
      }
      await delay(LOOK_EVERY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }
}

const median = (values: readonly number[]): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
