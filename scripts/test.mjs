// `npm test [-- VITEST-ARGS]`: sets up what is missing, tests included, and runs Vitest under Node 24, once. The last line
// printed is "N passed, N failed" (", N skipped" when some were).

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInForeground } from './setup/processes.mjs';
import { PROJECT_NODE, ROOT } from './setup/project.mjs';
import { main, setUp } from './setup/steps.mjs';
import { closingLine, countTests, purposeOf } from './setup/testReport.mjs';

/**
 * @param {string} file
 * @returns {import('./setup/testReport.mjs').JsonReport | undefined}
 */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {NodeJS.ProcessEnv} env */
function withoutUserSettings(env) {
  // How the user runs the server is no concern of the tests.
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('LIANMAI_')));
}

await main(async () => {
  const args = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), 'lianmai-test-'));
  const env = {
    ...withoutUserSettings(await setUp(purposeOf(args))),
    // Hundreds of processes load the same modules: the first that does keeps what Node has compiled, for half a second less of CPU in each other.
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
  };
  try {
    const reportFile = join(folder, 'report.json');
    const exitCode = await runInForeground(
      PROJECT_NODE,
      [
        ...['--import', './scripts/setup/endWithParent.mjs', 'node_modules/vitest/vitest.mjs', 'run'],
        ...['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`],
        ...args,
      ],
      { cwd: ROOT, env },
    );
    const counts = countTests(readReport(reportFile), exitCode);
    process.stdout.write(`${closingLine(counts)}\n`);
    if (counts.failed > 0) return exitCode || 1;
    return counts.passed > 0 ? exitCode : 1;
  } finally {
    // The last process may still be writing what it compiled.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
