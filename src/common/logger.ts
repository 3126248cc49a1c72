import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * The process's logger: JSON lines on stdout. error = a user saw a failure; warn = recovered by itself; info = one line per
 * lifecycle step; debug = the rest.
 */
export function createLogger(options: { level?: string; name?: string } = {}): Logger {
  return pino({
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
  });
}
