import { type Logger, pino } from 'pino';
import { LogStream } from './LogStream.ts';

export type { Logger } from 'pino';

const STDOUT = 1;

/**
 * The process's logger: JSON lines on stdout. error = a user saw a failure; warn = recovered by itself; info = one line per
 * lifecycle step; debug = the rest.
 */
export function createLogger(options: { level?: string; name?: string } = {}): Logger {
  const settings = {
    level: options.level ?? 'info',
    base: options.name ? { name: options.name } : null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        'token',
        'key',
        'secret',
        '*.token',
        '*.key',
        '*.secret',
        '*.keyBase64',
        'req.headers.authorization',
        'req.headers.cookie',
      ],
      censor: '[secret]',
    },
  };
  return pino(settings, new LogStream(STDOUT));
}
