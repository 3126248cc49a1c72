/**
 * What stands between one ffmpeg and its server: a loopback port that takes exactly one ffmpeg, and our own connection to the addresses that
 * the policy has looked at. ConnectionRelay.ts is the one of RTMP and RTMPS, SrtRelay.ts that of SRT.
 */
import type { TypedEmitter } from '../../common/TypedEmitter.ts';
import type { DestinationCause } from '../../contracts/deliveryControl.ts';

export type RelayEnd = 'server' | 'ffmpeg' | 'us';

export type PushFailure = Extract<DestinationCause, 'unreachable' | 'refused' | 'hung' | 'closed' | 'crashed'>;

/** Why a connection ended: one of a closed set, and a sentence for the user. */
export interface Failure {
  failure: PushFailure;
  reason: string;
}

export interface RelayEvents {
  /** Exactly once, when the end begins: who ended it, why in a sentence, and what it was when the server has said so itself. */
  closed: [by: RelayEnd, reason: string, failure: PushFailure | null];
  /** As much is unacknowledged as may be: what ffmpeg has is not taken for now. */
  full: [];
  /** Everything that ffmpeg had was taken after that; told again after whatever else it is given, until `relax`. */
  hungry: [];
}

/** Bytes of what the connection was given. */
export interface Progress {
  acknowledged: number;
  /** The rest: what has not been sent yet too. */
  unacknowledged: number;
}

export interface Relay extends TypedEmitter<RelayEvents> {
  readonly closed: boolean;
  /** The loopback port that ffmpeg connects to. */
  readonly port: number;
  /** Bytes that have left for the server. */
  readonly sentBytes: number;
  /** Bytes that the server has sent: how far the opening of the stream got. */
  readonly receivedBytes: number;
  /** How far the server is, as far as it can be seen: what the kernel holds is seen on Linux only. */
  measure(): Promise<Progress>;
  /** Not more than this may be unacknowledged, bytes. */
  limitInFlight(bytes: number): void;
  /** `hungry` need not be told any more. */
  relax(): void;
  /** Says goodbye and waits a moment for the server to have heard it. Idempotent; resolves when the socket is gone. */
  close(): Promise<void>;
  /** Ends it now; the server is told by a reset. Resolves when the socket is gone. */
  abort(): Promise<void>;
}
