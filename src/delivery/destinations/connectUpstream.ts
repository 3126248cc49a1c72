/** The TCP or TLS connection to an RTMP server. In: addresses that the policy has looked at. Next: ConnectionRelay.ts. */
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { AllowedDestination } from '../destinationPolicy.ts';

/** A server that does not answer at all, ms. */
const CONNECT_LIMIT_MS = 10_000;

export interface Upstream {
  /** What is written and read. */
  stream: Socket;
  /** The TCP connection below it; the same one without TLS. Only this one can be reset. */
  tcp: Socket;
}

/** Rejects with an Error whose message is a sentence for the user. `signal` ends the attempt. */
export async function connectUpstream(destination: AllowedDestination, signal: AbortSignal): Promise<Upstream> {
  const { parsed, addresses } = destination;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_LIMIT_MS)]);
  const lookup: LookupFunction = (_host, options, done) => {
    const first = addresses[0];
    if (options.all) done(null, addresses);
    else if (first) done(null, first.address, first.family);
    else done(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 4);
  };
  const tcp = connectTcp({ host: parsed.host, port: parsed.port, lookup, autoSelectFamily: true });
  tcp.setNoDelay(true);
  await settled(tcp, 'connect', { signal: deadline, tcp });
  if (parsed.scheme !== 'rtmps') return { stream: tcp, tcp };
  const stream = connectTls({ socket: tcp, host: parsed.host, servername: serverName(parsed.host) });
  await settled(stream, 'secureConnect', { signal: deadline, tcp });
  return { stream, tcp };
}

function settled(socket: Socket, event: string, { signal, tcp }: { signal: AbortSignal; tcp: Socket }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      signal.removeEventListener('abort', onAbort);
      // Errors that come after the end are nobody's any more.
      socket.on('error', () => undefined);
      socket.destroy();
      tcp.destroy();
      reject(new Error(why));
    };
    const onAbort = (): void =>
      fail((signal.reason as Error)?.name === 'TimeoutError' ? 'the server did not answer' : 'stopped');
    const onError = (error: Error): void => fail(sentenceOf(error));
    const onClose = (): void => fail('the server closed the connection');
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once(event, () => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      socket.off('close', onClose);
      resolve();
    });
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

/** SNI (RFC 6066 section 3) names hosts, never addresses. */
const serverName = (host: string): string => (/^[\d.]+$|:/.test(host) ? '' : host);

/** Node's network errors in words; nothing of the URL is in them. */
export function sentenceOf(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known: Record<string, string> = {
    ECONNREFUSED: 'the server refused the connection',
    ECONNRESET: 'the server reset the connection',
    EPIPE: 'the server closed the connection',
    ETIMEDOUT: 'the server did not answer',
    EHOSTUNREACH: 'the server can not be reached',
    ENETUNREACH: 'the server can not be reached',
  };
  if (/CERT|VERIFY|ALTNAME/.test(code)) return `the server's certificate is not valid (${code})`;
  return known[code] ?? (code ? `the connection failed (${code})` : 'the connection failed');
}
