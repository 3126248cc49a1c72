import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandError, run } from '../../../scripts/setup/processes.mjs';

const PROCESSES = join(import.meta.dirname, '../../../scripts/setup/processes.mjs');
const END_WITH_PARENT = join(import.meta.dirname, '../../../scripts/setup/endWithParent.mjs');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lianmai-processes-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('run', () => {
  it('hands on each line, and keeps a log', async () => {
    const lines: string[] = [];
    const logFile = join(folder, 'log');
    await run('sh', ['-c', 'echo one; echo two'], { logFile, onLine: (line) => lines.push(line) });
    expect(lines).toEqual(['one', 'two']);
    await expect.poll(() => readFileSync(logFile, 'utf8')).toBe('one\ntwo\n');
  });

  it('fails with the last lines that the tool said', async () => {
    const error = await run('sh', ['-c', 'seq 100; exit 3']).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CommandError);
    expect((error as Error).message).toMatch(/^sh ended with 3; its last lines:\n71\n.*\n100$/s);
  });

  it('fails when there is no such tool', async () => {
    await expect(run('no-such-program-of-lianmai', [])).rejects.toThrow(/could not be started/);
  });
});

describe('runInForeground', () => {
  /** A child that says how it was asked to stop, and the launcher that runs it, as scripts/start.mjs does. */
  function launch(childText: string, nodeOptions: string[] = []) {
    const child = join(folder, 'child.mjs');
    writeFileSync(child, childText);
    const launcher = join(folder, 'launcher.mjs');
    writeFileSync(
      launcher,
      `import { runInForeground } from ${JSON.stringify(PROCESSES)};
      process.exitCode = await runInForeground(process.execPath, ${JSON.stringify([...nodeOptions, child])}, {});`,
    );
    // Detached: without a controlling terminal, wherever the tests run.
    return spawn(process.execPath, [launcher], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  }

  const POLITE = `
    let asked = 0;
    for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) {
      process.on(event, () => { console.log(event, ++asked); setTimeout(() => process.exit(7), 50); });
    }
    setInterval(() => {}, 1000);
    console.log('pid', process.pid);`;

  async function untilStarted(launcher: ChildProcess) {
    const lines: string[] = [];
    const output = createInterface({ input: launcher.stdout! });
    output.on('line', (line) => lines.push(line));
    const [first] = (await once(output, 'line')) as [string];
    return { lines, output, pid: Number(first.split(' ')[1]) };
  }

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('asks the child once to stop on %s', async (signal) => {
    const launcher = launch(POLITE);
    const { lines } = await untilStarted(launcher);
    launcher.kill(signal);
    const [code] = await once(launcher, 'close');
    expect(code).toBe(7);
    expect(lines.slice(1)).toEqual(['disconnect 1']);
  });

  it('leaves no child behind when it is killed', async () => {
    const launcher = launch(POLITE);
    const { lines, output } = await untilStarted(launcher);
    launcher.kill('SIGKILL');
    await once(output, 'close');
    expect(lines.slice(1)).toEqual(['disconnect 1']);
  });

  it('leaves no child behind that knows nothing of this, with endWithParent.mjs', async () => {
    const launcher = launch(`setInterval(() => {}, 1000); console.log('pid', process.pid);`, [
      '--import',
      END_WITH_PARENT,
    ]);
    const { output } = await untilStarted(launcher);
    launcher.kill('SIGKILL');
    await once(output, 'close');
  });

  it('answers 128 + n when a signal ended the child', async () => {
    const launcher = launch(`console.log('pid', process.pid); setInterval(() => {}, 1000);`);
    const { pid } = await untilStarted(launcher);
    process.kill(pid, 'SIGKILL');
    const [code] = await once(launcher, 'close');
    expect(code).toBe(137);
  });
});
