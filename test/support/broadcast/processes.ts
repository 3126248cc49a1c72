import { setTimeout as delay } from 'node:timers/promises';

/** Whether there is such a process (a zombie that nobody has waited for counts: it has a parent that should). */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** There is no event for the end of somebody else's child: looked for every few milliseconds, until the test's own time limit. */
export async function gone(pid: number): Promise<void> {
  while (isRunning(pid)) await delay(10);
}

/** Until `ready()` is true; for what tells nobody when it changes. */
export async function eventually(ready: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await ready())) await delay(10);
}
