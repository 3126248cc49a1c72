import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Role all opens mediasoup workers and a warm compositor; two busy cores may take long over that, ms. */
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

export interface LogLine {
  level: number;
  msg: string;
  [field: string]: unknown;
}

/** The real server as a child process on ports of its own, with a data folder of its own. */
export class ServerProcess {
  readonly url: string;
  readonly internalUrl: string;
  readonly child: ChildProcess;
  /** Everything that it has printed, as it was. */
  readonly output: string[];
  readonly dataDir: string;
  readonly #env: Record<string, string>;

  private constructor(
    child: ChildProcess,
    output: string[],
    ready: LogLine,
    dataDir: string,
    env: Record<string, string>,
  ) {
    this.#env = env;
    this.child = child;
    this.output = output;
    this.url = String(ready.url);
    this.internalUrl = String(ready.internalUrl);
    this.dataDir = dataDir;
  }

  /** `niceness`: of the process until it is ready, so that its start takes no time from those that run. */
  static async start(env: Record<string, string> = {}, args: string[] = [], niceness = 0): Promise<ServerProcess> {
    const dataDir = env.LIANMAI_DATA_DIR ?? (await mkdtemp(join(tmpdir(), 'lianmai-test-')));
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LIANMAI_')));
    const command = [process.execPath, 'src/index.ts', ...args];
    if (niceness > 0) command.unshift('nice', '-n', String(niceness));
    const child = spawn(command[0] ?? '', command.slice(1), {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        ...inherited,
        LIANMAI_PORT: '0',
        LIANMAI_INTERNAL_PORT: '0',
        LIANMAI_RTC_PORT: '0',
        LIANMAI_SFU_WORKERS: '2',
        LIANMAI_DATA_DIR: dataDir,
        LIANMAI_LOG_LEVEL: 'debug',
        // Loading a compositor's libraries takes half a second of a core: as few as can be.
        LIANMAI_WARM_COMPOSITORS: '1',
        ...env,
      },
    });
    const output: string[] = [];
    const ready = await new Promise<LogLine>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`the server ${why}\n${output.slice(-40).join('\n')}`));
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        fail('was not ready in time');
      }, READY_TIMEOUT_MS);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`ended before it was ready (${code ?? signal})`);
      });
      for (const stream of [child.stdout, child.stderr]) {
        if (!stream) continue;
        createInterface({ input: stream }).on('line', (line) => {
          output.push(line);
          const log = parseLine(line);
          if (log?.msg === 'ready' && log.role) {
            clearTimeout(timer);
            resolve(log);
          }
        });
      }
    });
    return new ServerProcess(child, output, ready, dataDir, env);
  }

  /** Ends at once, without a word; what it has on disk stays. */
  async kill(): Promise<void> {
    const ended = this.ended();
    this.child.kill('SIGKILL');
    await ended;
  }

  /** After `kill`: the same server again, on the same ports and the same data. */
  async again(env: Record<string, string> = {}, niceness = 0): Promise<ServerProcess> {
    const portOf = (url: string): string => (url ? new URL(url).port : '0');
    const settings = {
      ...this.#env,
      LIANMAI_DATA_DIR: this.dataDir,
      LIANMAI_PORT: portOf(this.url),
      LIANMAI_INTERNAL_PORT: portOf(this.internalUrl),
      ...env,
    };
    return ServerProcess.start(settings, [], niceness);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  logs(): LogLine[] {
    return this.output.flatMap((line) => parseLine(line) ?? []);
  }

  /** Resolves with the first log line, old or new, that `match` likes. */
  async waitForLog(match: (line: LogLine) => boolean, timeoutMs = 30_000): Promise<LogLine> {
    const until = performance.now() + timeoutMs;
    for (let seen = 0; ; ) {
      for (; seen < this.output.length; seen++) {
        const line = parseLine(this.output[seen] ?? '');
        if (line && match(line)) return line;
      }
      if (performance.now() > until) throw new Error(`no such log line\n${this.output.slice(-30).join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Signals the server; resolves with its exit code or signal. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    const ended = this.ended();
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const result = await ended;
    clearTimeout(timer);
    await rm(this.dataDir, { recursive: true, force: true });
    if (process.env.TEST_LOG_FOLDER) {
      await writeFile(join(process.env.TEST_LOG_FOLDER, `server-${this.pid}.log`), this.output.join('\n'));
    }
    return result;
  }

  async ended(): Promise<number | NodeJS.Signals> {
    const { exitCode, signalCode } = this.child;
    if (exitCode !== null || signalCode !== null) return exitCode ?? signalCode ?? 0;
    return new Promise((resolve) => this.child.once('exit', (code, signal) => resolve(code ?? signal ?? 0)));
  }
}

function parseLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}

export interface ProcessInfo {
  pid: number;
  parent: number;
  command: string[];
}

/** All processes of this machine, from /proc. */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    pids.map(async (pid) => {
      try {
        const [stat, command] = await Promise.all([
          readFile(`/proc/${pid}/stat`, 'utf8'),
          readFile(`/proc/${pid}/cmdline`, 'utf8'),
        ]);
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (fields[0] === 'Z') return [];
        return [{ pid: Number(pid), parent: Number(fields[1]), command: command.split('\0').filter(Boolean) }];
      } catch {
        return [];
      }
    }),
  );
  return all.flat();
}

/** The process's children, their children, and so on. */
export async function descendantsOf(pid: number): Promise<ProcessInfo[]> {
  const all = await listProcesses();
  const found: ProcessInfo[] = [];
  for (let parents = [pid]; parents.length > 0; ) {
    const children = all.filter((p) => parents.includes(p.parent));
    found.push(...children);
    parents = children.map((p) => p.pid);
  }
  return found;
}

/** Polls until `check` is true; for states of the machine that nobody announces. */
export async function eventually(
  check: () => Promise<boolean> | boolean,
  what: string,
  timeoutMs = 30_000,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > until) throw new Error(`did not happen within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
