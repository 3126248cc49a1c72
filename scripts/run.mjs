// `node scripts/run.mjs FILE ARGS…`: sets up what is missing, then runs one of the project's .ts tools with Node 24.

import { basename } from 'node:path';
import { runInForeground } from './setup/processes.mjs';
import { PROJECT_NODE, ROOT } from './setup/project.mjs';
import { main, setUp } from './setup/steps.mjs';

/**
 * What a tool needs, where that is less than the server needs.
 * @type {Record<string, import('./setup/steps.mjs').Purpose>}
 */
const NEEDS = {
  'token.ts': 'packages',
  'simulate.ts': 'media',
  'layoutPictures.ts': 'packages',
  'hlsCheck.ts': 'packages',
};

await main(async () => {
  const [file, ...args] = process.argv.slice(2);
  if (file === undefined) {
    process.stderr.write('usage: node scripts/run.mjs FILE ARGS…\n');
    return 2;
  }
  const env = await setUp(NEEDS[basename(file)] ?? 'server');
  return runInForeground(PROJECT_NODE, ['--import', './scripts/setup/endWithParent.mjs', file, ...args], {
    cwd: ROOT,
    env,
  });
});
