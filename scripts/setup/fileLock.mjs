// A lock between processes, for work that two of them must not do at once (install packages, build the worker).

import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often the holder touches the file. */
const HEARTBEAT_MS = 2_000;
/** A lock that was not touched for so long has lost its holder, whatever the process table says (containers, NFS). */
const STALE_MS = 30_000;
const POLL_MS = 250;

/**
 * Runs `work` while holding the lock file; waits while another living process holds it.
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @param {{ onWait?: (holder: string) => void }} [options] onWait is called once, when there is waiting to do
 * @returns {Promise<T>}
 */
export async function withFileLock(file, work, { onWait } = {}) {
  mkdirSync(dirname(file), { recursive: true });
  let announced = false;
  while (!tryLock(file)) {
    if (removeIfStale(file)) continue;
    if (!announced) onWait?.(holderOf(file)?.pid ?? 'unknown');
    announced = true;
    await sleep(POLL_MS);
  }
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  const heartbeat = setInterval(() => touch(file), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    process.removeListener('exit', release);
    release();
  }
}

/** @param {string} file */
function tryLock(file) {
  try {
    const handle = openSync(file, 'wx');
    writeSync(handle, `${process.pid} ${hostname()}`);
    closeSync(handle);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/** @param {string} file */
function touch(file) {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch {
    // Somebody removed the lock by hand; the work in hand is better finished than stopped.
  }
}

/**
 * @param {string} file
 * @returns {{ pid: string, host: string } | undefined}
 */
function holderOf(file) {
  try {
    const [pid = '', host = ''] = readFileSync(file, 'utf8').split(' ');
    return { pid, host };
  } catch {
    return undefined;
  }
}

/** @param {string} file */
function isStale(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > STALE_MS) return true;
  } catch {
    return false;
  }
  const holder = holderOf(file);
  // An empty file is one that its holder is about to write.
  if (!holder?.pid || holder.host !== hostname()) return false;
  try {
    process.kill(Number(holder.pid), 0);
    return false;
  } catch (error) {
    return isErrno(error, 'ESRCH');
  }
}

/**
 * Race: two waiters see the same dead lock, one removes it and locks anew, and the other would remove the new lock.
 * So a waiter moves the file aside first and looks again at what it got hold of.
 * @param {string} file
 * @returns {boolean} whether it is worth trying to lock at once
 */
function removeIfStale(file) {
  if (!isStale(file)) return false;
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    throw error;
  }
  const wasStale = isStale(aside);
  if (!wasStale) {
    try {
      linkSync(aside, file);
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
  }
  rmSync(aside, { force: true });
  return wasStale;
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function isErrno(error, code) {
  return error instanceof Error && /** @type {NodeJS.ErrnoException} */ (error).code === code;
}
