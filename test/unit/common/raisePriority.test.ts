import { spawn } from 'node:child_process';
import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { raisePriority } from '../../../src/common/raisePriority.ts';

test('a process gets precedence where we may give it, and nothing fails where we may not or where it is gone', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('spawn', resolve));
  const pid = child.pid ?? 0;
  const before = getPriority(pid);
  expect(() => raisePriority(pid)).not.toThrow();
  expect(getPriority(pid)).toBe(process.getuid?.() === 0 ? -10 : before);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  expect(() => raisePriority(pid)).not.toThrow();
});
