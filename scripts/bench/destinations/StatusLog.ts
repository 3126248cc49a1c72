/** What the API tells of a broadcast's destinations, as somebody sees it who asks again and again: each change, and when it was seen first. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DestinationStatus } from '../../../src/contracts/deliveryControl.ts';

/** Between two looks, ms: the figures are seconds. */
const LOOK_EVERY_MS = 100;

export interface Seen {
  /** `performance.now()`. */
  atMs: number;
  status: DestinationStatus;
  /** From then to the next attempt; null when none was announced, ms. */
  waitMs: number | null;
}

export class StatusLog {
  readonly #ask: () => Promise<readonly DestinationStatus[]>;
  readonly #signal: AbortSignal;
  readonly #histories = new Map<string, Seen[]>();
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #failure: Error | undefined;

  /** `signal` ends whatever is waited for. */
  constructor(ask: () => Promise<readonly DestinationStatus[]>, signal: AbortSignal) {
    this.#ask = ask;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#signal.addEventListener('abort', () => this.#tell(), { once: true });
    this.#running = this.#run().catch((error: Error) => {
      this.#failure = error;
      this.#tell();
    });
  }

  /** By its name. */
  history(name: string): readonly Seen[] {
    return this.#histories.get(name) ?? [];
  }

  /** The first that matches of the newest one and all after it; null when there was none in time. Rejects when it is aborted, or nobody answers any more. */
  async until(name: string, matches: (status: DestinationStatus) => boolean, limitMs: number): Promise<Seen | null> {
    let next = Math.max(0, this.history(name).length - 1);
    const until = performance.now() + limitMs;
    for (;;) {
      for (; next < this.history(name).length; next++) {
        const seen = this.history(name)[next];
        if (seen && matches(seen.status)) return seen;
      }
      if (this.#failure) throw this.#failure;
      this.#signal.throwIfAborted();
      if (performance.now() > until) return null;
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      for (const status of await this.#ask()) this.#look(status);
      this.#tell();
      await delay(LOOK_EVERY_MS, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  #look(status: DestinationStatus): void {
    const history = this.#histories.get(status.name) ?? [];
    this.#histories.set(status.name, history);
    if (sameOf(history.at(-1)?.status) === sameOf(status)) return;
    const waitMs = status.retryAt === null ? null : Math.max(0, status.retryAt - Date.now());
    history.push({ atMs: performance.now(), status, waitMs });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) {
      this.#listeners.delete(listener);
      listener();
    }
  }
}

/** What makes two of them the same; bytes always grow. */
const sameOf = (status: DestinationStatus | undefined): string =>
  status === undefined ? '' : JSON.stringify({ ...status, bytes: 0, since: 0 });
