interface Waiter {
  position: number;
  resolve: (reached: boolean) => void;
  timer: NodeJS.Timeout;
}

/** Who waits for positions of a program (ProgramStore.ts). */
export class Waiters {
  readonly #waiting = new Set<Waiter>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves true when it is reached, false after `limitMs`, when `signal` is aborted, or at the end. */
  wait(position: number, limitMs: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = { position, resolve, timer: setTimeout(() => this.#release(waiter, false), limitMs) };
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', () => this.#release(waiter, false), { once: true });
    });
  }

  /** Everything before `position` is there. */
  reached(position: number): void {
    for (const waiter of this.#waiting) if (waiter.position < position) this.#release(waiter, true);
  }

  /** Nobody gets what they wait for. */
  close(): void {
    for (const waiter of this.#waiting) this.#release(waiter, false);
  }

  #release(waiter: Waiter, reached: boolean): void {
    clearTimeout(waiter.timer);
    this.#waiting.delete(waiter);
    waiter.resolve(reached);
  }
}
