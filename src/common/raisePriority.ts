import { readdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Niceness of what media waits for, compositors and mediasoup workers: a picture that is late is seen by every viewer, and what else runs on
 * the machine can wait. -10 weighs about nine times as much as the default 0 (Linux, sched(7)).
 */
const MEDIA_NICENESS = -10;

/**
 * Gives a process precedence, each thread of it where threads have a niceness of their own (Linux). Where the kernel shares CPU time
 * between sessions first (autogroups, sched(7): the usual setting outside of containers), niceness means nothing beyond a process' own
 * session, and so that session as a whole goes before others as well. It needs the right to do so (root, CAP_SYS_NICE); without it
 * nothing changes. Threads that are made later inherit from the main thread. `niceness`: -20 (first) to 19.
 */
export function raisePriority(pid: number, niceness: number = MEDIA_NICENESS): void {
  tryTo(() => {
    setPriority(pid, niceness);
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), niceness);
  });
  tryTo(() => writeFileSync(`/proc/${pid}/autogroup`, String(niceness)));
}

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // No right to it, no /proc, no such thing in this kernel, or the process has just ended: none of it is a fault.
  }
}
