/**
 * The compositor's child process. The agent starts it ahead of need; it loads its libraries, says `warm`, and waits for the
 * controller's messages on the IPC channel. Without that channel it has nobody to work for and ends at once.
 */
import { AV_LOG_ERROR, AV_LOG_QUIET, Log } from 'node-av';
import { createLogger } from '../src/common/logger.ts';
import { Child } from './Child.ts';

const {
  LIANMAI_MEDIA_HOST = '127.0.0.1',
  LIANMAI_MEDIA_PORTS = '42000-42999',
  LIANMAI_LOG_LEVEL = 'info',
} = process.env;

const [firstPort = 0, lastPort = firstPort] = LIANMAI_MEDIA_PORTS.split('-').map(Number);
const logger = createLogger({ level: LIANMAI_LOG_LEVEL, name: 'compositor' }).child({ pid: process.pid });
// What FFmpeg has to say about a broken stream is said once by us; a line for each frame helps nobody.
Log.setLevel(logger.isLevelEnabled('debug') ? AV_LOG_ERROR : AV_LOG_QUIET);

/** `ended` is handed to the operating system before the process goes; a channel that is stuck does not hold it. */
const EXIT_MS = 1000;

/** The newest message on its way; the channel keeps the order, so all before it are gone when it is. */
let sending: Promise<void> = Promise.resolve();
function send(message: object): void {
  if (!process.connected) return;
  sending = new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}

function exit(code: 0 | 1): void {
  setTimeout(() => process.exit(code), EXIT_MS).unref();
  void sending.finally(() => process.exit(code));
}

const child = new Child({
  mediaIp: LIANMAI_MEDIA_HOST,
  mediaPorts: [firstPort, lastPort],
  logger,
  send,
  exit,
});

process.on('message', (message) => child.receive(message));
process.on('disconnect', () => process.exit(0));
process.on('uncaughtException', (error) => child.crash(error));
process.on('unhandledRejection', (error) => child.crash(error));
// A terminal sends its interrupt to all processes at once; the agent decides what it means for this one.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.stop('stopped'));

if (process.connected) send({ type: 'warm' });
else {
  logger.fatal('the compositor process is started by its agent, with an IPC channel');
  process.exit(1);
}
