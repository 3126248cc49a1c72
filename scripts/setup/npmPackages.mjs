// The npm packages, and with them Node 24. Whether they are there is read from what npm itself writes: the lock file it
// was given and the one it leaves in node_modules when all is done.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './processes.mjs';
import { PROJECT_NODE, ROOT, SetupError } from './project.mjs';

/**
 * @typedef {{ version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean, peer?: boolean,
 *   dependencies?: Record<string, string>, devDependencies?: Record<string, string> }} LockedPackage
 * @typedef {{ packages?: Record<string, LockedPackage> }} LockFile
 * @typedef {{ dependencies?: Record<string, string>, devDependencies?: Record<string, string> }} PackageJson
 */

/**
 * Whether package.json asks for other things than the lock file was made for.
 * @param {PackageJson} packageJson
 * @param {LockFile} lock
 */
export function lockIsOutdated(packageJson, lock) {
  const locked = lock.packages?.[''];
  return (
    !sameEntries(packageJson.dependencies, locked?.dependencies) ||
    !sameEntries(packageJson.devDependencies, locked?.devDependencies)
  );
}

/**
 * @param {Record<string, string>} [a]
 * @param {Record<string, string>} [b]
 */
function sameEntries(a = {}, b = {}) {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/**
 * The locked packages that are not installed, or in another version. One that is optional (for another platform) may
 * be missing.
 * @param {LockFile} lock package-lock.json
 * @param {LockFile} installed node_modules/.package-lock.json
 * @returns {string[]} their folders
 */
export function missingPackages(lock, installed) {
  return Object.entries(lock.packages ?? {})
    .filter(([folder, locked]) => {
      if (folder === '') return false;
      const found = installed.packages?.[folder];
      if (found === undefined) return !(locked.optional || locked.devOptional || locked.peer);
      return found.version !== locked.version;
    })
    .map(([folder]) => folder);
}

/**
 * @param {string} file relative to the project's folder
 * @returns {any}
 */
function readJson(file) {
  return JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
}

function packagesAreReady() {
  const installed = 'node_modules/.package-lock.json';
  if (!existsSync(PROJECT_NODE) || !existsSync(join(ROOT, installed))) return false;
  if (!existsSync(join(ROOT, 'package-lock.json'))) return false;
  const lock = readJson('package-lock.json');
  return !lockIsOutdated(readJson('package.json'), lock) && missingPackages(lock, readJson(installed)).length === 0;
}

/**
 * How to call npm: the one that called us, with the Node it runs on. That Node is not the one in node_modules, which
 * npm is about to replace.
 * @returns {[string, string[]]}
 */
function npmCommand() {
  const { npm_execpath: cli, npm_node_execpath: node } = process.env;
  if (cli && node && existsSync(cli) && existsSync(node) && node !== PROJECT_NODE) return [node, [cli]];
  return ['npm', []];
}

const NPM_OPTIONS = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];

async function installPackages() {
  const lockIsUsable =
    existsSync(join(ROOT, 'package-lock.json')) &&
    !lockIsOutdated(readJson('package.json'), readJson('package-lock.json'));
  const [command, args] = npmCommand();
  // Not `npm ci`: it refuses a lock file that lacks the packages of some other platform, and npm writes such lock files.
  // Where package.json and the lock file agree, `npm install` takes what the lock file says too, and --no-save keeps its
  // hands off both.
  await run(command, [...args, 'install', ...(lockIsUsable ? ['--no-save'] : []), ...NPM_OPTIONS], {
    cwd: ROOT,
    env: {
      ...process.env,
      // With this set (to anything) mediasoup's install script does nothing: where it cannot download its worker it
      // would want pip, and take the whole installation down with it. The worker is a step of its own.
      MEDIASOUP_WORKER_BIN: process.env.MEDIASOUP_WORKER_BIN || 'provided-by-the-set-up',
      // node-av brings the FFmpeg libraries in its package; the ffmpeg program that it would download is not needed.
      SKIP_FFMPEG: 'true',
    },
  });
  if (!existsSync(PROJECT_NODE)) {
    throw new SetupError(
      'npm installed the packages but did not run their install scripts, so Node 24 is missing.\n' +
        'Switch them on (npm config set ignore-scripts false) and start again.',
    );
  }
}

/** @type {import('./steps.mjs').Step} */
export const npmPackages = {
  title: 'npm packages',
  takes: 'installing, about a minute',
  isReady: packagesAreReady,
  make: installPackages,
};
