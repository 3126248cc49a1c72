/**
 * Tells the server every 30 s how somebody watches (src/contracts/beacon.ts): it counts viewers by it and sees how the program arrives.
 * Nothing about the person: a random name for this page, and five numbers.
 */
import { effect } from '@preact/signals';
import type { Beacon as Report } from '../../../src/contracts/beacon.ts';
import { BEACON_EVERY_MS } from '../../shared/contract.ts';
import type { WatchRoom } from '../WatchRoom.ts';

/** The first one soon, so that the count is right; by then the first seconds are known, ms. */
const FIRST_MS = 3_000;

/** A machine that slept has nothing to tell of that time, ms. */
const LONGEST_MS = 2 * BEACON_EVERY_MS;
const span = (ms: number): number => Math.round(Math.min(ms, LONGEST_MS));

export class Beacon {
  readonly #watch: WatchRoom;
  readonly #video: HTMLVideoElement;
  readonly #session = crypto.getRandomValues(new Uint32Array(4)).reduce((text, word) => text + word.toString(36), '');
  readonly #off = new AbortController();
  readonly #stopEffect: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Of the broadcast that is told of. */
  #url: string | null = null;
  #since = performance.now();
  #stalls = 0;
  #stalledMs = 0;
  #stalledSince: number | null = null;
  /** Told once. */
  #firstFrameMs: number | null;

  constructor(watch: WatchRoom, video: HTMLVideoElement) {
    this.#watch = watch;
    this.#video = video;
    this.#firstFrameMs = watch.firstFrameMs;
    const { signal } = this.#off;
    video.addEventListener('waiting', () => this.#stall(), { signal });
    // Who seeks or pauses waits for something else than the network.
    for (const event of ['playing', 'pause', 'seeking', 'emptied', 'ended'])
      video.addEventListener(event, () => this.#goOn(), { signal });
    addEventListener('pagehide', () => this.#send(true), { signal });
    this.#stopEffect = effect(() => this.#follow(watch.recorded.value ? null : watch.mediaBase.value));
  }

  close(): void {
    this.#send(true);
    clearTimeout(this.#timer);
    this.#off.abort();
    this.#stopEffect();
  }

  #follow(base: string | null): void {
    const url = base === null ? null : `${base}/beacon`;
    if (url === this.#url) return;
    this.#url = url;
    this.#reset();
    clearTimeout(this.#timer);
    if (url !== null) this.#timer = setTimeout(() => this.#tick(), FIRST_MS);
  }

  #tick(): void {
    const sent = this.#send(false);
    this.#timer = setTimeout(() => this.#tick(), sent ? BEACON_EVERY_MS : FIRST_MS);
  }

  #stall(): void {
    if (this.#video.paused || this.#video.seeking || this.#stalledSince !== null) return;
    this.#stalls++;
    this.#stalledSince = performance.now();
  }

  #goOn(): void {
    if (this.#stalledSince === null) return;
    this.#stalledMs += performance.now() - this.#stalledSince;
    this.#stalledSince = null;
  }

  #reset(): void {
    this.#since = performance.now();
    this.#stalls = 0;
    this.#stalledMs = 0;
    if (this.#stalledSince !== null) this.#stalledSince = this.#since;
  }

  /** False: there is nothing to tell. */
  #send(leaving: boolean): boolean {
    const { engine, server, started } = this.#watch;
    if (this.#url === null || server.value?.state !== 'live' || !started.value) return false;
    const now = performance.now();
    const latency = engine.value?.latency.value ?? null;
    const stalledMs = this.#stalledMs + (this.#stalledSince === null ? 0 : now - this.#stalledSince);
    const report: Report = {
      session: this.#session,
      watchedMs: this.#video.paused ? 0 : span(now - this.#since),
      stalls: this.#stalls,
      stalledMs: span(stalledMs),
      latencyMs: latency === null ? null : Math.round(latency * 1000),
      firstFrameMs: this.#firstFrameMs,
      leaving,
    };
    this.#firstFrameMs = null;
    this.#reset();
    // `keepalive`: the last one goes out when the page is gone already. One that is lost is not missed.
    void fetch(this.#url, {
      method: 'POST',
      keepalive: true,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(report),
    }).catch(() => undefined);
    return true;
  }
}
