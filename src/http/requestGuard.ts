/**
 * Who may speak to the public port at all, before any token is looked at: HTTP requests and WebSocket upgrades alike.
 *
 * Open mode (no secret): the connection comes from a loopback address, no proxy's headers are on it, `Host` is localhost or a
 * loopback address (else a foreign page could reach us through a name of its own that resolves to 127.0.0.1: DNS rebinding),
 * and `Origin` is absent or our own (else any page that the user has open could drive the server).
 *
 * With a secret: tokens decide. A browser's `Origin`, when it is sent, is our own or in LIANMAI_ALLOWED_ORIGINS. Playback (`/live/`, `/recordings/`)
 * is for players on any page.
 */
import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../config.ts';
import { AppError } from '../contracts/errors.ts';

export interface GuardOptions {
  open: boolean;
  allowedOrigins: readonly string[];
}

export type RequestGuard = (request: IncomingMessage) => void;

const hostName = (host: string): string => host.replace(/:\d+$/, '');

/** Host and scheme of an origin; undefined for `null` and for what is not one. */
function parseOrigin(origin: string): URL | undefined {
  return URL.canParse(origin) ? new URL(origin) : undefined;
}

/** Returns a check that throws AppError `foreign-origin`. */
export function requestGuard({ open, allowedOrigins }: GuardOptions): RequestGuard {
  const allowed = new Set(allowedOrigins.map((o) => o.replace(/\/$/, '').toLowerCase()));
  return (request) => {
    const { origin, forwarded } = request.headers;
    // HTTP/2 has `:authority` in its place (RFC 9113 section 8.3.1).
    const host = request.headers.host ?? String(request.headers[':authority'] ?? '');
    if (open) {
      if (!isLoopback(request.socket.remoteAddress ?? ''))
        throw new AppError('foreign-origin', 'Without LIANMAI_SECRET only this machine is let in.');
      if (forwarded || request.headers['x-forwarded-for'] || request.headers['x-forwarded-host']) {
        throw new AppError('foreign-origin', 'The request came through a proxy; that needs LIANMAI_SECRET.');
      }
      if (!isLoopback(hostName(host).toLowerCase()))
        throw new AppError('foreign-origin', 'The Host header names neither localhost nor a loopback address.');
    }
    if (origin === undefined || (!open && /^\/(live|recordings)\//.test(request.url ?? ''))) return;
    const parsed = parseOrigin(origin);
    if (parsed && parsed.host.toLowerCase() === host.toLowerCase()) return;
    if (parsed && allowed.has(parsed.origin.toLowerCase())) return;
    throw new AppError('foreign-origin', 'Pages of this origin may not use this server.');
  };
}
