// `npm run check [-- --fix]`: format and lint with zero warnings (Biome), and types (tsc). With --fix, Biome writes what
// it can mend safely.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runInForeground } from './setup/processes.mjs';
import { ROOT } from './setup/project.mjs';
import { main, setUp } from './setup/steps.mjs';

/** Each tsconfig, and the folders whose files it is for: tsc fails on one that has no file. */
const TYPE_CHECKS = [
  { project: 'tsconfig.json', folders: ['src', 'scripts', 'test'] },
  { project: 'client/tsconfig.json', folders: ['client'] },
  { project: 'test/tsconfig.json', folders: ['test/unit/client', 'test/e2e'] },
];

/** @param {string} folder */
function hasTypeScript(folder) {
  const path = join(ROOT, folder);
  return existsSync(path) && readdirSync(path, { recursive: true }).some((name) => /\.tsx?$/.test(String(name)));
}

await main(async () => {
  const env = await setUp('packages');
  const fix = process.argv.includes('--fix');
  const commands = [
    ['biome', 'check', '--error-on-warnings', '--max-diagnostics=200', ...(fix ? ['--write'] : []), '.'],
    ...TYPE_CHECKS.filter(({ folders }) => folders.some(hasTypeScript)).map(({ project }) => ['tsc', '-p', project]),
  ];
  let exitCode = 0;
  for (const [tool = '', ...args] of commands) {
    process.stdout.write(`> ${[tool, ...args].join(' ')}\n`);
    const code = await runInForeground(join(ROOT, 'node_modules', '.bin', tool), args, { cwd: ROOT, env });
    if (code !== 0) exitCode = code;
  }
  process.stdout.write(exitCode === 0 ? 'check: all is well\n' : 'check: failed, see above\n');
  return exitCode;
});
