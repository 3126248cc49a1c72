import type { ParsedDestination } from './destinationUrl.ts';
import type { FfmpegOutput } from './FfmpegChild.ts';

/**
 * What ffmpeg may hold for the relay in its own socket, bytes: what waits there can not be dropped any more. The kernel doubles it (socket(7),
 * SO_SNDBUF).
 */
const SOCKET_BUFFER_BYTES = 64 * 1024;

/** Pure: ffmpeg's output at a relay's loopback port. The secrets go into the preset file; the URL in the argument list has none. */
export function outputOf(parsed: ParsedDestination, relayPort: number): FfmpegOutput {
  if (parsed.scheme !== 'srt') {
    const host = parsed.host.includes(':') ? `[${parsed.host}]` : parsed.host;
    return {
      format: 'flv',
      url: `rtmp://127.0.0.1:${relayPort}/`,
      protocols: 'rtmp,tcp',
      secretOptions: {
        rtmp_app: parsed.app,
        rtmp_playpath: parsed.key,
        rtmp_tcurl: `${parsed.scheme}://${host}:${parsed.port}/${parsed.app}`,
        send_buffer_size: String(SOCKET_BUFFER_BYTES),
      },
    };
  }
  const { streamid, passphrase, latencyMs, pbkeylen } = parsed.srt;
  // ffmpeg's latency option is in microseconds.
  const query = new URLSearchParams({ mode: 'caller', transtype: 'live' });
  if (latencyMs !== undefined) query.set('latency', String(latencyMs * 1000));
  if (pbkeylen !== undefined) query.set('pbkeylen', String(pbkeylen));
  return {
    format: 'mpegts',
    url: `srt://127.0.0.1:${relayPort}?${query}`,
    protocols: 'srt,udp',
    secretOptions: {
      ...(streamid === undefined ? {} : { srt_streamid: streamid }),
      ...(passphrase === undefined ? {} : { passphrase }),
    },
  };
}
