import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { raisePriority } from '../../../src/common/raisePriority.ts';
import { parseEvent, type SimulatorEvent } from '../../simulator/events.ts';
import type { Step } from '../../simulator/script.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** Joins of 16 peers on a busy machine take some seconds; clips are made before. */
const JOIN_TIMEOUT_MS = 120_000;
/** Before the compositor and the SFU: people have machines of their own. */
const CAMERA_NICENESS = -20;
const STOP_TIMEOUT_MS = 15_000;
/** One thing of one peer, on a busy machine, ms. */
const EVENT_TIMEOUT_MS = 20_000;

/** `npm run simulate` as a child, until it is stopped. */
export class SimulatorProcess {
  readonly #child: ChildProcess;
  #out = '';
  #said = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text;
      child.emit('told');
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
      { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe', 'ipc'] },
    );
    await once(child, 'spawn');
    // Cameras are on time, whatever else this machine does: what is measured is what comes behind them.
    raisePriority(child.pid ?? 0, CAMERA_NICENESS);
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

  /** Does something at once; with `--commands` among the arguments. */
  do(peer: number, action: Step['do']): void {
    this.#child.stdin?.write(`${JSON.stringify({ peer, do: action })}\n`);
  }

  /** Resolves with the first event, old or new, that `match` likes. */
  async event(match: (event: SimulatorEvent) => boolean, timeoutMs = EVENT_TIMEOUT_MS): Promise<SimulatorEvent> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#child.off('told', look);
        this.#child.off('exit', over);
      };
      const over = () => {
        done();
        reject(new Error(`the simulator did not do what was waited for\n${this.#said.slice(-2000)}`));
      };
      const look = () => {
        const found = this.events().find(match);
        if (!found) return;
        done();
        resolve(found);
      };
      const timer = setTimeout(over, timeoutMs);
      this.#child.on('told', look);
      this.#child.once('exit', over);
      look();
    });
  }

  /** What it has told so far; with `--events` among the arguments. */
  events(): SimulatorEvent[] {
    const whole = this.#out.slice(0, this.#out.lastIndexOf('\n') + 1);
    return whole.split('\n').flatMap((line) => parseEvent(line) ?? []);
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

/** What a bench tells of the summary that a simulator leaves. */
export const simulatorFigures = ({ packets, resent, skipped, longest_tick_ms }: Record<string, unknown>) => ({
  ...{ packets, resent, skipped, longest_tick_ms },
});
