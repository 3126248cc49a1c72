// mediasoup's native worker. Where it comes from, in this order: $MEDIASOUP_WORKER_BIN; what mediasoup's own install
// script may have put into its package; the user's cache; the prebuilt program of mediasoup's release; a build of the
// sources that its npm package ships. The last two end in the cache.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hashFiles } from './fileHash.mjs';
import { withFileLock } from './fileLock.mjs';
import { CommandError, run } from './processes.mjs';
import { cacheFolder, ROOT, SetupError } from './project.mjs';
import { hasApt, installDebianPackages, missingDebianPackages, WORKER_BUILD_PACKAGES } from './systemPackages.mjs';

const PACKAGE_FOLDER = join(ROOT, 'node_modules', 'mediasoup');
/** The build script, and the adapters that let the worker's build use the system's libraries. */
const BUILD_FOLDER = 'scripts/mediasoup-worker';
const BUILD_INPUTS = [`${BUILD_FOLDER}/build.sh`, `${BUILD_FOLDER}/subprojects`];

/** Where a download is possible it answers in well under a second; where not, nobody should wait for that long. */
const DOWNLOAD_ANSWER_MS = 10_000;
const DOWNLOAD_TOTAL_MS = 120_000;

/** Started without MEDIASOUP_VERSION the worker ends at once with this code (its main.cpp). */
const STARTED_BY_HAND_EXIT_CODE = 41;
const TRIAL_LIMIT_MS = 10_000;

/**
 * Whether the program starts on this machine: its libraries are there, it is made for this processor.
 * @param {string} file
 */
export function workerRuns(file) {
  if (!existsSync(file)) return false;
  // No environment but the library path: mediasoup's settings must not reach it.
  const env = process.env.LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH };
  return spawnSync(file, [], { env, stdio: 'ignore', timeout: TRIAL_LIMIT_MS }).status === STARTED_BY_HAND_EXIT_CODE;
}

/** @returns {{ version: string, repository: { url: string } }} */
function mediasoupPackage() {
  return JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8'));
}

/**
 * The names of the cached programs: another mediasoup, other adapters or another machine make another program.
 * @param {{ version: string, adapters: string, platform: string, arch: string }} key adapters is a hash
 */
export function cacheNames({ version, adapters, platform, arch }) {
  return {
    built: `mediasoup-worker-${version}-${adapters.slice(0, 12)}-${platform}-${arch}`,
    downloaded: `mediasoup-worker-${version}-prebuilt-${platform}-${arch}`,
  };
}

function cacheFiles() {
  const names = cacheNames({
    version: mediasoupPackage().version,
    adapters: hashFiles(ROOT, BUILD_INPUTS),
    platform: process.platform,
    arch: process.arch,
  });
  const folder = cacheFolder();
  return { built: join(folder, names.built), downloaded: join(folder, names.downloaded) };
}

/**
 * The worker to use, or undefined when there is none yet.
 * @returns {string | undefined}
 */
export function findWorker() {
  const given = process.env.MEDIASOUP_WORKER_BIN;
  if (given) {
    if (workerRuns(given)) return given;
    throw new SetupError(`MEDIASOUP_WORKER_BIN is ${given}, which is no mediasoup-worker that runs on this machine.`);
  }
  const { built, downloaded } = cacheFiles();
  return [join(PACKAGE_FOLDER, 'worker', 'out', 'Release', 'mediasoup-worker'), built, downloaded].find(workerRuns);
}

/**
 * The address of mediasoup's prebuilt worker, by the rules of its own install script (npm-scripts.mjs).
 * @param {{ version: string, repository: { url: string } }} mediasoup its package.json
 * @param {{ platform: string, arch: string, kernel: string, base?: string | undefined }} machine kernel as of `uname -r`
 */
export function prebuiltUrl(mediasoup, { platform, arch, kernel, base }) {
  const releases = base || `${mediasoup.repository.url.replace(/^git\+/, '').replace(/\.git$/, '')}/releases/download`;
  const suffix = platform === 'linux' ? `-kernel${Number.parseInt(kernel, 10)}` : '';
  return `${releases}/${mediasoup.version}/mediasoup-worker-${mediasoup.version}-${platform}-${arch}${suffix}.tgz`;
}

/**
 * @param {string} file where to put it
 * @returns {Promise<string | undefined>} why there is none, or undefined when it is there and runs
 */
export async function downloadWorker(file) {
  const mediasoup = mediasoupPackage();
  const url = prebuiltUrl(mediasoup, {
    platform: process.platform,
    arch: process.arch,
    kernel: release(),
    base: process.env.MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL,
  });
  const folder = `${file}.download-${process.pid}`;
  const stop = new AbortController();
  const answerLimit = setTimeout(() => stop.abort(new Error('no answer')), DOWNLOAD_ANSWER_MS);
  const totalLimit = setTimeout(() => stop.abort(new Error('too slow')), DOWNLOAD_TOTAL_MS);
  try {
    const response = await fetch(url, { signal: stop.signal });
    clearTimeout(answerLimit);
    if (!response.ok || response.body === null) return `HTTP status ${response.status}`;
    mkdirSync(folder, { recursive: true });
    // mediasoup's own dependency, so it is there whenever mediasoup is.
    const tar = createRequire(join(PACKAGE_FOLDER, 'package.json'))('tar');
    await pipeline(Readable.fromWeb(response.body), tar.extract({ cwd: folder, strict: true }));
    const program = join(folder, 'mediasoup-worker');
    chmodSync(program, 0o755);
    if (!workerRuns(program)) return 'it does not run on this machine';
    renameSync(program, file);
    return undefined;
  } catch (error) {
    const { cause } = /** @type {Error} */ (error);
    return cause instanceof Error ? cause.message : String(/** @type {Error} */ (error).message);
  } finally {
    clearTimeout(answerLimit);
    clearTimeout(totalLimit);
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Reads ninja's progress, as in "[177/261] Compiling C++ object …".
 * @param {string} line
 */
export function ninjaProgress(line) {
  const match = /^\[(\d+)\/(\d+)\] /.exec(line);
  return match === null ? undefined : { done: Number(match[1]), total: Number(match[2]) };
}

/**
 * @param {string} file where to put it
 * @param {import('./report.mjs').StepReport} report
 */
async function build(file, report) {
  if (hasApt()) {
    const missing = missingDebianPackages(WORKER_BUILD_PACKAGES);
    if (missing.length > 0) {
      report.note(`installing what it is built with: ${missing.join(' ')}`);
      await installDebianPackages(missing, 'what mediasoup-worker is built with');
    }
  }
  report.note('building it, once for this user: 5 to 8 minutes on 2 cores');
  const output = `${file}.build-${process.pid}`;
  const logFile = `${file}.log`;
  try {
    await run('bash', [join(ROOT, BUILD_FOLDER, 'build.sh'), PACKAGE_FOLDER, output], {
      logFile,
      onLine: (line) => {
        const progress = ninjaProgress(line);
        if (progress !== undefined) report.progress(progress.done, progress.total);
      },
    });
    if (!workerRuns(output)) throw new SetupError(`The mediasoup-worker that was built does not run; see ${logFile}.`);
    renameSync(output, file);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new SetupError(`mediasoup-worker could not be built: ${error.message}\n\n${buildAdvice(logFile)}`);
  } finally {
    rmSync(output, { force: true });
  }
}

/** @param {string} logFile */
function buildAdvice(logFile) {
  return (
    `The whole output is in ${logFile}.\n` +
    (hasApt() ? '' : `It is built with (names of Debian 12): ${WORKER_BUILD_PACKAGES.join(' ')}.\n`) +
    'Or point MEDIASOUP_WORKER_BIN at a mediasoup-worker of your own.'
  );
}

/** @param {import('./report.mjs').StepReport} report */
async function downloadOrBuild(report) {
  const { built, downloaded } = cacheFiles();
  await withFileLock(
    `${built}.lock`,
    async () => {
      // The one we waited for may have been making the same.
      if (findWorker() !== undefined) return;
      const obstacle = await downloadWorker(downloaded);
      if (obstacle === undefined) return;
      report.note(`no prebuilt program could be downloaded (${obstacle})`);
      await build(built, report);
    },
    { onWait: (holder) => report.note(`waiting for process ${holder}, which is making it`) },
  );
}

/** @type {import('./steps.mjs').Step} */
export const mediasoupWorker = {
  title: 'mediasoup-worker',
  takes: 'looking for a prebuilt program, some seconds',
  isReady: () => findWorker() !== undefined,
  make: downloadOrBuild,
};
