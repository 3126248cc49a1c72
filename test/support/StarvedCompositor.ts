import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { availableParallelism, setPriority } from 'node:os';
import { descendantsOf } from './ServerProcess.ts';

/** Of those that keep every core busy: what else runs (a browser) goes before them. */
const HOG_NICENESS = 5;
/** Of the compositors: they have what the others leave. A sixth of a core beside one of HOG_NICENESS (weights 88 and 335, kernel/sched/core.c). */
const STARVED_NICENESS = 11;
/** They end by themselves after this, should the test not end them, ms. */
const LIMIT_MS = 60_000;
/** A compositor that is lost is followed by another one, ms. */
const LOOK_MS = 200;

/**
 * The compositors of a server get little CPU, and nothing else that runs on the machine less than it had: each core has a process that takes all
 * that others leave, and only the compositors come after those.
 */
export class StarvedCompositor implements AsyncDisposable {
  readonly #hogs: ChildProcess[];
  readonly #timer: NodeJS.Timeout;

  private constructor(hogs: ChildProcess[], server: number) {
    this.#hogs = hogs;
    this.#timer = setInterval(() => void starve(server).catch(() => {}), LOOK_MS);
  }

  static async of(server: number): Promise<StarvedCompositor> {
    await starve(server);
    const hogs = Array.from({ length: 2 * availableParallelism() }, () =>
      spawn('nice', ['-n', String(HOG_NICENESS), process.execPath, '-e', `const end = Date.now() + ${LIMIT_MS}; while (Date.now() < end);`], { stdio: 'ignore' }),
    );
    return new StarvedCompositor(hogs, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const hog of this.#hogs) {
      const ended = once(hog, 'exit');
      hog.kill('SIGKILL');
      await ended;
    }
  }
}

/** Each of a process's threads has a priority of its own (setpriority(2), "C library/kernel differences"). */
async function starve(server: number): Promise<void> {
  const compositors = (await descendantsOf(server)).filter(({ command }) => command.some((part) => part.endsWith('compositor/main.ts')));
  for (const { pid } of compositors)
    for (const thread of await readdir(`/proc/${pid}/task`)) setPriority(Number(thread), STARVED_NICENESS);
}
