import { createHash } from 'node:crypto';
import { DEFAULT_PORTS, type ParsedDestination } from './destinationUrl.ts';

const withoutQuery = (text: string): string => text.replace(/\?.*$/, '');

/**
 * Pure: which stream of which server a URL is, as a hash, since it is a secret. Queries hold signatures and options and do not make another stream;
 * rtmp:// and rtmps:// at their usual ports are one server.
 */
export function streamIdentity({ scheme, host, port, app, key, srt }: ParsedDestination): string {
  const place =
    scheme === 'srt'
      ? ['srt', host.toLowerCase(), port, srt.streamid ?? '']
      : ['rtmp', host.toLowerCase(), port === DEFAULT_PORTS[scheme] ? 0 : port, withoutQuery(app), withoutQuery(key)];
  return createHash('sha256').update(JSON.stringify(place)).digest('base64url');
}
