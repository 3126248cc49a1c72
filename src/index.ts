/** The entry: reads the configuration, starts the server, and ends it on a signal. */
import { createLogger } from './common/logger.ts';
import { warnOfSmallBuffers } from './common/udpBuffers.ts';
import { ConfigError, parseConfig } from './config.ts';
import { Server } from './Server.ts';

function readConfig() {
  try {
    return parseConfig(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`Lianmai can not start:\n${error.message}`);
    process.exit(2);
  }
}

const config = readConfig();
const logger = createLogger({ level: config.logLevel });

process.on('unhandledRejection', (error) => {
  logger.fatal({ err: error }, 'unhandled rejection');
  process.exit(1);
});
process.on('uncaughtException', (error) => {
  logger.fatal({ err: error }, 'uncaught exception');
  process.exit(1);
});

const starting = Server.create(config, logger);

let ending = false;
/** The first signal ends broadcasts cleanly; a second one ends at once. Children end with us: their pipes to us close. */
function end(signal: string): void {
  if (ending) {
    logger.warn({ signal }, 'ended at once');
    process.exit(130);
  }
  ending = true;
  logger.info({ signal }, 'ending');
  starting
    .then((server) => server.close())
    .then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'did not end cleanly');
        process.exit(1);
      },
    );
}
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => end(signal));
/**
 * `npm start` holds the other end of this channel and stops us by closing it; it closes, too, when `npm start` dies in whatever
 * way. A signal to the whole process group comes together with it and must not count as the second one.
 */
process.on('disconnect', () => {
  if (!ending) end('disconnect');
});

try {
  const server = await starting;
  logger.info({ url: server.url, internalUrl: server.internalUrl, role: config.role }, 'ready');
  if (config.role !== 'delivery') warnOfSmallBuffers(logger);
  if (server.url) process.stderr.write(`\n  Lianmai is ready: open ${server.url}/ in a browser to start a room.\n\n`);
} catch (error) {
  logger.debug({ err: error }, 'start failed');
  console.error(`Lianmai can not start: ${explain(error)}`);
  process.exit(1);
}

function explain(error: unknown): string {
  const { code, address, port, message } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === 'EADDRINUSE')
    return `port ${port} of ${address} is in use. Stop what listens there, or choose another with --port and --internal-port.`;
  if (code === 'EACCES' && port) return `port ${port} needs more rights. Choose one from 1024 on with --port.`;
  return message;
}
