import { getSupportedRtpCapabilities, type types as mediasoup } from 'mediasoup';
import { AppError } from '../contracts/errors.ts';
import type { SourceKind } from '../contracts/ids.ts';
import { mediaKindOf } from './mediaCodecs.ts';

/** Low, middle, high. */
const MAX_ENCODINGS = { audio: 1, video: 3 } as const;

/** By this alone mediasoup tells the layers and key frames of AV1; without it, it would wait for a key frame for ever. */
const DEPENDENCY_DESCRIPTOR = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

/** mediasoup 3.27.1 does no simulcast with these. */
const LAYERED_INSIDE = new Set(['video/vp9', 'video/av1']);

/**
 * With this extension mediasoup 3.27.1 takes capture times from it alone; Chromium's mapping then never becomes known and
 * a consumer stays for ever on the simulcast layer that it started on, without an error.
 */
const ABS_CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

/** An unknown URI makes mediasoup throw in the middle of a message to the worker, so it must not get that far. */
const KNOWN_EXTENSIONS = new Set(
  (getSupportedRtpCapabilities().headerExtensions ?? [])
    .map((e): string => e.uri)
    .filter((u) => u !== ABS_CAPTURE_TIME),
);

/**
 * mediasoup takes a simulcast layer that is silent for 1.5 s for dead, so that consumers leave it; with `dtx` it waits for 5 s (RtpStreamRecv,
 * InactivityCheckIntervalWithDtxMs). When a dead layer is back, its next sender report counts the packets of the silence as lost, so
 * that it is dead again until the report after that. The lowest layer is the last that a browser stops sending: kept, it is shown
 * meanwhile, and those above it are still left after 1.5 s. `layers`: how many from the lowest on are kept; more than one is for benches.
 */
export function keptThroughSilence<T extends mediasoup.RtpEncodingParameters>(
  encodings: readonly T[],
  layers = 1,
): T[] {
  if (encodings.length < 2) return [...encodings];
  return encodings.map((encoding, i) => (i < layers ? { ...encoding, dtx: true } : encoding));
}

const badMedia = (reason: string): AppError =>
  new AppError('bad-media', `The media parameters are not usable: ${reason}`);

function refuseRepeated(what: string, values: readonly (number | string | undefined)[]): void {
  const given = values.filter((v) => v !== undefined);
  if (new Set(given).size !== given.length) throw badMedia(`the same ${what} twice`);
}

/**
 * A client's RTP parameters as they may be given to `transport.produce()`. Takes away header extensions that harm or that
 * nobody knows, keeps a camera's lowest layer through a silence, and refuses what mediasoup does not check or checks too late: a codec of another kind than the source's, more
 * encodings than layers, encodings that cannot be told apart. Throws AppError `bad-media`.
 */
export function sanitizeRtpParameters(source: SourceKind, given: mediasoup.RtpParameters): mediasoup.RtpParameters {
  const kind = mediaKindOf(source);
  const encodings = given.encodings ?? [];
  if (given.codecs.some((c) => !c.mimeType.toLowerCase().startsWith(`${kind}/`)))
    throw badMedia(`${source} is ${kind}`);
  const first = given.codecs[0]?.mimeType.toLowerCase() ?? '';
  if (first.endsWith('/rtx')) throw badMedia('the first codec is for retransmissions only');
  if (LAYERED_INSIDE.has(first) && encodings.length > 1) throw badMedia(`${first} takes one encoding, with SVC inside`);
  if (encodings.length > MAX_ENCODINGS[kind]) throw badMedia(`more than ${MAX_ENCODINGS[kind]} encodings`);
  if (encodings.some((e) => e.ssrc === undefined && !e.rid && encodings.length > 1)) {
    throw badMedia('each of several encodings needs an SSRC or a RID');
  }
  const layered = encodings.some((e) => e.scalabilityMode && !/^[LS]1T1/.test(e.scalabilityMode));
  if (first === 'video/av1' && layered && !given.headerExtensions?.some((e) => e.uri === DEPENDENCY_DESCRIPTOR)) {
    throw badMedia('AV1 with layers needs the dependency descriptor');
  }
  const headerExtensions = (given.headerExtensions ?? []).filter((e) => KNOWN_EXTENSIONS.has(e.uri));
  refuseRepeated(
    'payload type',
    given.codecs.map((c) => c.payloadType),
  );
  refuseRepeated(
    'SSRC',
    encodings.flatMap((e) => [e.ssrc, e.rtx?.ssrc]),
  );
  refuseRepeated(
    'RID',
    encodings.map((e) => e.rid),
  );
  refuseRepeated(
    'header extension id',
    headerExtensions.map((e) => e.id),
  );
  refuseRepeated(
    'header extension',
    headerExtensions.map((e) => e.uri),
  );
  return { ...given, headerExtensions, ...(given.encodings ? { encodings: keptThroughSilence(encodings) } : {}) };
}
