import { setTimeout as delay } from 'node:timers/promises';

/** Between two tries, ms. */
const EVERY_MS = 100;
/** A process that was killed is gone within this time, with its children, ms. */
const LIMIT_MS = 3_000;

/**
 * Takes something of which there is one, a port or a lock. While `isBusy` says of the error that somebody has it, it is tried again for a
 * while: who starts right after a kill -9 finds what the kernel and the children of the dead are just letting go of. Then the error is
 * thrown.
 */
export async function whenFree<T>(
  take: () => T | Promise<T>,
  isBusy: (error: unknown) => boolean,
  limitMs = LIMIT_MS,
): Promise<T> {
  for (const until = performance.now() + limitMs; ; ) {
    try {
      return await take();
    } catch (error) {
      if (!isBusy(error) || performance.now() + EVERY_MS > until) throw error;
    }
    await delay(EVERY_MS);
  }
}

export const isAddressInUse = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
