import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';

/** So many share each core with whatever is under test. */
const THREADS_A_CORE = 16;

/** A process that keeps every core busy, for a bounded time whatever happens to the test. */
export class CpuHog {
  readonly #child: ChildProcess;

  constructor(limitSeconds: number) {
    const spin = `const end = Date.now() + ${limitSeconds * 1000}; while (Date.now() < end);`;
    const count = THREADS_A_CORE * availableParallelism();
    const start = `const { Worker } = require('node:worker_threads');
      for (let i = 0; i < ${count}; i++) new Worker(${JSON.stringify(spin)}, { eval: true });`;
    this.#child = spawn(process.execPath, ['-e', start], { stdio: 'ignore' });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
