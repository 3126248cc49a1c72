import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';

/** Of one core each: so many share it with whatever is under test. */
const PROCESSES_A_CORE = 8;

/** Processes that keep every core busy, for a bounded time whatever happens to the test. */
export class CpuHog {
  readonly #children: ChildProcess[];

  constructor(limitSeconds: number) {
    const spin = `const end = Date.now() + ${limitSeconds * 1000}; while (Date.now() < end);`;
    this.#children = Array.from({ length: PROCESSES_A_CORE * availableParallelism() }, () =>
      spawn(process.execPath, ['-e', spin], { stdio: 'ignore' }),
    );
  }

  async close(): Promise<void> {
    const running = this.#children.filter((child) => child.exitCode === null && child.signalCode === null);
    const ended = running.map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(ended);
  }
}
