import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
/** Joins of 16 peers on a busy machine take some seconds; clips are made before. */
const JOIN_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 15_000;

/** `npm run simulate` as a child, until it is stopped. */
export class SimulatorProcess {
  readonly #child: ChildProcess;
  #out = '';
  #said = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
      child.emit('said');
    });
  }

  static async start(args: string[]): Promise<SimulatorProcess> {
    const child = spawn(
      process.execPath,
      ['--import', './scripts/setup/endWithParent.mjs', 'scripts/simulate.ts', '--seconds', '0', '--json', ...args],
      { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
    );
    await once(child, 'spawn');
    return new SimulatorProcess(child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when `count` peers have said that they joined. */
  async joined(count: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the simulator's peers did not join\n${this.#said}`)),
        JOIN_TIMEOUT_MS,
      );
      const look = () => {
        if (this.#said.split('has joined').length - 1 < count) return;
        clearTimeout(timer);
        resolve();
      };
      this.#child.on('said', look);
      this.#child.once('exit', () => {
        clearTimeout(timer);
        reject(new Error(`the simulator ended\n${this.#said}`));
      });
      look();
    });
  }

  /** Its result; empty when it was gone already. Idempotent. */
  async stop(): Promise<Record<string, unknown>> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const closed = once(this.#child, 'close');
      this.#child.kill('SIGINT');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await closed;
      clearTimeout(timer);
    }
    try {
      return JSON.parse(this.#out.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
    } catch {
      return {};
    }
  }
}
