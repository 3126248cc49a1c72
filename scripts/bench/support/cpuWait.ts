/** How much of the time somebody waited for a core: Linux' pressure stall information (PSI, Documentation/accounting/psi.rst). */
import { readFile } from 'node:fs/promises';

/** Answers the share from now until then, 0 to 1; null on a system that does not tell it. */
export async function cpuWait(): Promise<() => Promise<number | null>> {
  const [before, at] = [await waitedUs(), performance.now()];
  return async () => {
    const after = await waitedUs();
    if (before === null || after === null) return null;
    // The kernel adds up in steps: a short time may seem to hold more than it has.
    return Math.min(1, Number(((after - before) / 1000 / (performance.now() - at)).toFixed(2)));
  };
}

/** Since the start of the system, µs. */
async function waitedUs(): Promise<number | null> {
  const text = await readFile('/proc/pressure/cpu', 'utf8').catch(() => '');
  const total = /^some .*total=(\d+)$/m.exec(text)?.[1];
  return total === undefined ? null : Number(total);
}
