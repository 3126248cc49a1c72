import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { raisePriority } from '../../../src/common/raisePriority.ts';

test('a process gets precedence where we may give it, and nothing fails where we may not or where it is gone', async () => {
  // In a session of its own, so that the test's own session stays as it is.
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore', detached: true });
  await new Promise((resolve) => child.once('spawn', resolve));
  const pid = child.pid ?? 0;
  const before = getPriority(pid);
  expect(() => raisePriority(pid)).not.toThrow();
  const may = process.getuid?.() === 0;
  expect(getPriority(pid)).toBe(may ? -10 : before);
  const session = `/proc/${pid}/autogroup`;
  if (existsSync(session)) expect(readFileSync(session, 'utf8')).toContain(`nice ${may ? -10 : 0}`);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  expect(() => raisePriority(pid)).not.toThrow();
});
