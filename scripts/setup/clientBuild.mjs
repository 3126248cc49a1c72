// The browser's part, built by Vite into dist/client. It is built again when a file that can get into it has changed.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashFiles } from './fileHash.mjs';
import { CommandError, run } from './processes.mjs';
import { childEnvironment, PROJECT_NODE, ROOT, SetupError } from './project.mjs';

/** What can get into the bundle: the client, what it may import from the server, and the packages' versions. */
const SOURCES = ['client', 'src/contracts', 'src/layout', 'src/common', 'package.json', 'package-lock.json'];
const CONFIGURATION = join(ROOT, 'client', 'vite.config.ts');
const BUILD = join(ROOT, 'dist', 'client');
/** The hash of the sources that the build was made of; beside the build, which Vite empties first. */
const STAMP = join(ROOT, 'dist', 'client.hash');

function buildIsFresh() {
  if (!existsSync(CONFIGURATION)) return true;
  if (!existsSync(BUILD) || !existsSync(STAMP)) return false;
  return readFileSync(STAMP, 'utf8') === hashFiles(ROOT, SOURCES);
}

async function buildClient() {
  // Taken before the build: a file that changes meanwhile makes the next start build again.
  const hash = hashFiles(ROOT, SOURCES);
  try {
    const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
    await run(PROJECT_NODE, [vite, 'build', 'client'], { cwd: ROOT, env: childEnvironment() });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new SetupError(`The pages could not be built: ${error.message}`);
  }
  writeFileSync(STAMP, hash);
}

/** @type {import('./steps.mjs').Step} */
export const clientBuild = {
  title: 'pages',
  takes: 'building, some seconds',
  isReady: buildIsFresh,
  make: buildClient,
};
