// The set-up as a whole: which steps there are, in which order, and what each purpose needs of them.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { clientBuild } from './clientBuild.mjs';
import { withFileLock } from './fileLock.mjs';
import { findWorker, mediasoupWorker } from './mediasoupWorker.mjs';
import { npmPackages } from './npmPackages.mjs';
import { CommandError } from './processes.mjs';
import { childEnvironment, isOlder, makeCacheFolder, OLDEST_NODE, ROOT, SetupError } from './project.mjs';
import { StepReport } from './report.mjs';
import { serverPackages, testPackages, unitTestPackages } from './systemPackages.mjs';

/**
 * One thing that must be there. `isReady` is asked at every start, so it looks at files and does little else.
 * @typedef {object} Step
 * @property {string} title
 * @property {string} takes what is going to happen and how long it is expected to take
 * @property {() => boolean} isReady
 * @property {(report: StepReport) => Promise<void>} make
 */

/** @type {Record<'packages' | 'media' | 'server' | 'unitTests' | 'tests', Step[]>} */
const STEPS = {
  /** Tools that only need Node: check, token. */
  packages: [npmPackages],
  /** Tools that handle media but start no server: simulate. */
  media: [npmPackages, serverPackages],
  /** The server. */
  server: [npmPackages, serverPackages, mediasoupWorker, clientBuild],
  /** Unit tests alone: neither browser, server nor worker. */
  unitTests: [npmPackages, serverPackages, unitTestPackages],
  tests: [npmPackages, serverPackages, unitTestPackages, testPackages, mediasoupWorker, clientBuild],
};

/** @typedef {keyof typeof STEPS} Purpose */

/**
 * Makes sure that all is there that the purpose needs.
 * @param {Purpose} purpose
 * @returns {Promise<NodeJS.ProcessEnv>} the environment to run things in
 * @throws {SetupError} with a message for the user, when something cannot be had
 */
export async function setUp(purpose) {
  if (isOlder(process.versions.node, OLDEST_NODE)) {
    throw new SetupError(`Node ${OLDEST_NODE} or newer is needed to start; this is ${process.versions.node}.`);
  }
  const steps = STEPS[purpose];
  const firstMissing = steps.findIndex((step) => !step.isReady());
  if (firstMissing !== -1) await makeAll(steps.slice(firstMissing));
  return childEnvironment({ worker: steps.includes(mediasoupWorker) ? findWorker() : undefined });
}

/**
 * One process at a time changes this folder.
 * @param {Step[]} steps
 */
async function makeAll(steps) {
  const folderId = createHash('sha256').update(ROOT).digest('hex').slice(0, 12);
  await withFileLock(
    join(makeCacheFolder(), `set-up-${folderId}.lock`),
    async () => {
      for (const step of steps) {
        if (!step.isReady()) await make(step);
      }
    },
    { onWait: (holder) => process.stderr.write(`set-up: waiting for process ${holder}, which sets this folder up\n`) },
  );
}

/** @param {Step} step */
async function make(step) {
  const report = new StepReport(step.title, step.takes);
  try {
    await step.make(report);
    if (!step.isReady()) throw new SetupError(`${step.title}: installed, but still not found.`);
    report.done();
  } finally {
    report.close();
  }
}

/**
 * Runs a script's work, shows what a user can mend as plain text, and ends with the answered exit code.
 * @param {() => Promise<number>} work
 */
export async function main(work) {
  try {
    process.exitCode = await work();
  } catch (error) {
    if (error instanceof SetupError || error instanceof CommandError) {
      process.stderr.write(`\nset-up failed: ${error.message}\n`);
    } else {
      console.error(error);
    }
    process.exitCode = 1;
  }
}
