import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withFileLock } from '../../../scripts/setup/fileLock.mjs';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lianmai-lock-'));
  file = join(folder, 'below', 'a.lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('withFileLock', () => {
  it('lets one in at a time, and tells the other whom it waits for', async () => {
    const happened: string[] = [];
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const first = withFileLock(file, async () => {
      happened.push('first in');
      await mayEnd;
      happened.push('first out');
      return 1;
    });
    const second = withFileLock(file, async () => happened.push('second in'), {
      onWait: (holder) => {
        happened.push(`waits for ${holder}`);
        end();
      },
    });
    expect(await first).toBe(1);
    await second;
    expect(happened).toEqual(['first in', `waits for ${process.pid}`, 'first out', 'second in']);
    expect(existsSync(file)).toBe(false);
  });

  it('opens again when the work fails', async () => {
    await expect(withFileLock(file, () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck');
    expect(existsSync(file)).toBe(false);
  });

  it('takes over from a holder that is dead', async () => {
    await withFileLock(file, async () => {});
    const { pid } = spawnSync('true');
    writeFileSync(file, `${pid} ${hostname()}`);
    expect(await withFileLock(file, async () => 'in')).toBe('in');
  });

  it('takes over from a holder of another machine that shows no sign of life', async () => {
    await withFileLock(file, async () => {});
    writeFileSync(file, `${process.pid} some-other-machine`);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(file, longAgo, longAgo);
    expect(await withFileLock(file, async () => 'in')).toBe('in');
  });
});
