import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(import.meta.dirname, '../../..');
/** The first start of a tree may install and build, ms. */
const READY_LIMIT_MS = 15 * 60_000;

/** Seconds from `npm start` to its ready line; the server is ended again. */
async function startOnce(signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const dataDir = await mkdtemp(join(tmpdir(), 'lianmai-bench-start-'));
  const inherited = Object.entries(process.env).filter(([name]) => !/^(LIANMAI|npm)_/.test(name));
  const ports = { LIANMAI_PORT: '0', LIANMAI_INTERNAL_PORT: '0', LIANMAI_RTC_PORT: '0' };
  const startedAt = performance.now();
  // A group of its own: ended as a terminal does, all at once.
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), ...ports, LIANMAI_DATA_DIR: dataDir },
  });
  const lines: string[] = [];
  let seconds = Number.NaN;
  const end = () => {
    if (child.pid && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
  };
  const closed = once(child, 'close');
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (!line.includes('Lianmai is ready') || !Number.isNaN(seconds)) return;
      seconds = (performance.now() - startedAt) / 1000;
      end();
    });
  }
  const limit = setTimeout(end, READY_LIMIT_MS);
  signal.addEventListener('abort', end, { once: true });
  await closed;
  clearTimeout(limit);
  signal.removeEventListener('abort', end);
  await rm(dataDir, { recursive: true, force: true });
  if (Number.isNaN(seconds)) throw new Error(`npm start did not get ready\n${lines.slice(-20).join('\n')}`);
  return seconds;
}

/** The first start, which may have something to install, does not count. */
export async function secondStarts(repeat: number, signal: AbortSignal): Promise<number[]> {
  await startOnce(signal);
  const seconds: number[] = [];
  for (let i = 0; i < repeat; i++) seconds.push(await startOnce(signal));
  return seconds;
}
