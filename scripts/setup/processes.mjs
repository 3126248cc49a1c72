// Child processes of two sorts: tools of the set-up (run), and what the set-up was for (runInForeground).

import { spawn } from 'node:child_process';
import { closeSync, createWriteStream, openSync } from 'node:fs';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';

/** So many lines of a tool's output are shown when it fails. */
const TAIL_LINES = 30;

/** A tool that could not be started or did not end with 0. */
export class CommandError extends Error {
  /** @override */
  name = 'CommandError';

  /**
   * @param {string} message
   * @param {string} tail the last lines of what it printed
   */
  constructor(message, tail) {
    super(tail === '' ? message : `${message}; its last lines:\n${tail}`);
  }
}

/** @param {NodeJS.Signals} signal */
function exitCodeOf(signal) {
  return 128 + (constants.signals[signal] ?? 0);
}

/**
 * Runs a tool to its end, quietly. It gets a process group of its own, which is ended when we are told to stop, so that
 * a build leaves no compilers behind.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, logFile?: string, onLine?: (line: string) => void }} [options]
 * @returns {Promise<void>}
 */
export function run(command, args, { cwd, env, logFile, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const log = logFile === undefined ? undefined : createWriteStream(logFile);
    /** @type {string[]} */
    const tail = [];
    /** @type {NodeJS.Signals | undefined} */
    let stoppedBy;
    /** @param {string} line */
    const take = (line) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      log?.write(`${line}\n`);
      onLine?.(line);
    };
    createInterface({ input: child.stdout }).on('line', take);
    createInterface({ input: child.stderr }).on('line', take);

    /** @param {NodeJS.Signals} signal */
    const stop = (signal) => {
      stoppedBy = signal;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      } catch {
        // It has just ended by itself.
      }
    };
    const signals = /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    for (const signal of signals) process.on(signal, stop);
    const finish = () => {
      for (const signal of signals) process.removeListener(signal, stop);
      log?.end();
    };

    child.once('error', (error) => {
      finish();
      reject(new CommandError(`${command} could not be started: ${error.message}`, ''));
    });
    child.once('close', (code, signal) => {
      finish();
      if (stoppedBy !== undefined) process.exit(exitCodeOf(stoppedBy));
      if (code === 0) resolve();
      else reject(new CommandError(`${command} ended with ${code ?? signal}`, tail.join('\n')));
    });
  });
}

/** Whether Ctrl-C can reach our whole process group, the child included, without us. */
function hasControllingTerminal() {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/** Signals closer together than this are one: npm, a terminal and a service manager each pass it on to all they know. */
const SAME_SIGNAL_MS = 1_000;
/** How soon the end of npm is noticed. */
const PARENT_CHECK_MS = 1_000;

/**
 * npm passes SIGTERM on to the shell that it runs us in, and not every shell passes it on to us: the shell's end is all
 * that we see of it. Outside of npm a parent may end and mean us to go on (nohup).
 * @param {() => void} onGone
 * @returns {() => void} ends the watch
 */
function watchNpm(onGone) {
  if (process.env.npm_lifecycle_event === undefined) return () => {};
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, PARENT_CHECK_MS);
  return () => clearInterval(timer);
}

/**
 * Runs what the set-up was for, with our standard streams, to its end.
 *
 * The child is asked to stop by closing its IPC channel, not by passing the signal on: whoever signals us often signals
 * the child too (a terminal does, and a service manager), and a second signal means "at once" to it. The channel also
 * closes when we are killed, so nothing is left behind. Only a repeated signal is passed on.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} the exit code to end with; 128 + n when signal n ended the child
 */
export function runInForeground(command, args, { cwd, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
    let lastSignalAt = Number.NEGATIVE_INFINITY;
    /** @param {NodeJS.Signals} signal */
    const stop = (signal) => {
      if (signal === 'SIGINT' && hasControllingTerminal()) return;
      const now = performance.now();
      if (now - lastSignalAt < SAME_SIGNAL_MS) return;
      lastSignalAt = now;
      if (child.connected) child.disconnect();
      else child.kill(signal);
    };
    const signals = /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    for (const signal of signals) process.on(signal, stop);
    const endWatch = watchNpm(() => stop('SIGTERM'));
    const finish = () => {
      endWatch();
      for (const signal of signals) process.removeListener(signal, stop);
    };
    child.once('error', (error) => {
      finish();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      finish();
      resolve(code ?? exitCodeOf(/** @type {NodeJS.Signals} */ (signal)));
    });
  });
}
