// Where things are. Everything in scripts/ that runs before Node 24 is installed is plain JavaScript for Node 20.19.

import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's top folder. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The oldest Node that the set-up itself runs on; the server runs on the Node that npm installs below. */
export const OLDEST_NODE = '20.19.0';

const BIN_FOLDER = join(ROOT, 'node_modules', '.bin');

/** The Node that runs the project: the npm package `node`, pinned in package.json. */
export const PROJECT_NODE = join(ROOT, 'node_modules', 'node', 'bin', 'node');

/** A failure that the user can mend; its message says how and is all that is shown. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/**
 * @param {string} version as in process.versions.node
 * @param {string} oldest
 */
export function isOlder(version, oldest) {
  const [have, want] = [version, oldest].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (const [i, number] of (want ?? []).entries()) {
    const difference = (have?.[i] ?? 0) - number;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/**
 * The user's cache folder for this project (XDG Base Directory: a relative value is ignored).
 * @param {NodeJS.ProcessEnv} [env]
 */
export function cacheFolder(env = process.env) {
  const base = env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'lianmai');
}

/**
 * The same, made if need be.
 * @throws {SetupError} when it cannot be made
 */
export function makeCacheFolder() {
  const folder = cacheFolder();
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch (error) {
    throw new SetupError(
      `the cache folder cannot be made (${/** @type {Error} */ (error).message}). ` +
        'Set XDG_CACHE_HOME to a folder that can be written.',
    );
  }
}

/**
 * The environment of everything that the project runs: its own Node first on the path, its own mediasoup-worker.
 * @param {{ worker?: string | undefined }} [found]
 * @returns {NodeJS.ProcessEnv}
 */
export function childEnvironment({ worker } = {}) {
  const rest = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== BIN_FOLDER);
  return {
    ...process.env,
    PATH: [BIN_FOLDER, ...rest].join(delimiter),
    ...(worker === undefined ? {} : { MEDIASOUP_WORKER_BIN: worker }),
  };
}

/**
 * The path of a program, or undefined. System folders are looked at too: Debian keeps servers in /usr/sbin, which is
 * not on every user's path.
 * @param {string} name
 */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}
