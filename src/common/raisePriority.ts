import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Niceness of what media waits for, compositors and mediasoup workers: a picture that is late is seen by every viewer, and what else runs on
 * the machine can wait. -10 weighs about nine times as much as the default 0 (Linux, sched(7)).
 */
const NICENESS = -10;

/**
 * Gives a process precedence, each thread of it where threads have a niceness of their own (Linux). It needs the right to do so
 * (root, CAP_SYS_NICE); without it nothing changes. Threads that are made later inherit from the main thread.
 */
export function raisePriority(pid: number): void {
  try {
    setPriority(pid, NICENESS);
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), NICENESS);
  } catch {
    // No right to it, no /proc, or the process has just ended: none of it is a fault.
  }
}
