import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { descendantsOf, listProcesses } from '../../../test/support/ServerProcess.ts';

/** Linux' USER_HZ: /proc counts CPU in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that a process has used, its ended children not counted; 0 when it is gone. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' ? 0 : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** CPU seconds that the whole machine was busy with (proc(5): user, nice, system, irq, softirq). */
async function machineSeconds(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

/** What a process of the tree is, by its command line. */
function kindOf(root: string, command: readonly string[]): string {
  if (command.some((word) => word.includes('compositor/main'))) return 'compositor';
  const program = basename(command[0] ?? '');
  return program.startsWith('mediasoup') ? 'mediasoup' : program === 'ffmpeg' ? 'ffmpeg' : root;
}

/** CPU of process trees between two moments, added up by kind of process. */
export class CpuMeter {
  readonly #roots: Record<string, number>;
  readonly #since: Map<number, number>;
  readonly #machine: number;
  readonly #startedMs: number;

  private constructor(roots: Record<string, number>, since: Map<number, number>, machine: number) {
    this.#roots = roots;
    this.#since = since;
    this.#machine = machine;
    this.#startedMs = performance.now();
  }

  /** `roots`: name → process id. */
  static async start(roots: Record<string, number>): Promise<CpuMeter> {
    const since = new Map<number, number>();
    for (const pid of Object.values(roots)) {
      since.set(pid, await cpuSecondsOf(pid));
      for (const child of await descendantsOf(pid)) since.set(child.pid, await cpuSecondsOf(child.pid));
    }
    return new CpuMeter(roots, since, await machineSeconds());
  }

  /** Percent of one core since the start, by kind; `others` is all that belongs to none of the trees, this process included. */
  async percent(): Promise<Record<string, number>> {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const used: Record<string, number> = {};
    const machine = (await machineSeconds()) - this.#machine;
    for (const [root, pid] of Object.entries(this.#roots)) {
      const own = (await listProcesses()).find((process) => process.pid === pid);
      for (const process of [...(own ? [own] : []), ...(await descendantsOf(pid))]) {
        const kind = kindOf(root, process.command);
        used[kind] = (used[kind] ?? 0) + (await cpuSecondsOf(process.pid)) - (this.#since.get(process.pid) ?? 0);
      }
    }
    used.others = machine - Object.values(used).reduce((sum, cpu) => sum + cpu, 0);
    return Object.fromEntries(
      Object.entries(used).map(([kind, cpu]) => [kind, Number(((100 * cpu) / seconds).toFixed(1))]),
    );
  }
}
