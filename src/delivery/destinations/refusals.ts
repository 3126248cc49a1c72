import type { Failure } from './relay.ts';

/** S0, S1 and S2 of the RTMP handshake (Adobe's RTMP specification section 5.2): a server that has sent more has answered `connect`. */
const RTMP_HANDSHAKE_BYTES = 1 + 1536 + 1536;

export interface Opening {
  /** What the server has sent since the connection was made. */
  receivedBytes: number;
  /** ffmpeg's lines, without secrets. */
  stderr: readonly string[];
}

/** Pure: why an RTMP server did not take the stream, as far as it can be known: many only hang up. */
export function rtmpRefusal({ receivedBytes, stderr }: Opening): Failure {
  // The server's own words, of an _error or an onStatus of level error.
  const words = stderr.map((line) => /Server error: (.*)$/.exec(line)?.[1]?.trim()).findLast(Boolean);
  if (words) return { failure: 'refused', reason: `the server refused the stream key: ${words.slice(0, 160)}` };
  if (receivedBytes > RTMP_HANDSHAKE_BYTES)
    return {
      failure: 'refused',
      reason: 'the server refused the stream key: it closed the connection when it was told',
    };
  if (receivedBytes === RTMP_HANDSHAKE_BYTES)
    return {
      failure: 'refused',
      reason: 'the server refused the application: it closed the connection when it was told',
    };
  return { failure: 'closed', reason: 'the server closed the connection before it spoke RTMP' };
}
