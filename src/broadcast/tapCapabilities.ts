import type { types as mediasoup } from 'mediasoup';

const CODECS = new Set(['audio/opus', 'video/vp8', 'video/h264', 'video/vp9', 'video/av1']);

/** Generic NACK, PLI (RFC 4585) and FIR (RFC 5104). Without transport-cc and goog-remb mediasoup makes no bandwidth estimate. */
const VIDEO_FEEDBACK: mediasoup.RtcpFeedback[] = [
  { type: 'nack', parameter: '' },
  { type: 'nack', parameter: 'pli' },
  { type: 'ccm', parameter: 'fir' },
];
const AUDIO_FEEDBACK: mediasoup.RtcpFeedback[] = [{ type: 'nack', parameter: '' }];

/**
 * What a compositor can receive, in the router's own codecs. No header extensions: with them, or with a bandwidth estimate,
 * mediasoup lowers layers by itself and sends probation packets. No RTX codec: what is lost comes again on the same SSRC.
 */
export function tapCapabilities(router: mediasoup.RtpCapabilities): mediasoup.RtpCapabilities {
  const codecs = (router.codecs ?? [])
    .filter((codec) => CODECS.has(codec.mimeType.toLowerCase()))
    .map((codec) => ({ ...codec, rtcpFeedback: codec.kind === 'video' ? VIDEO_FEEDBACK : AUDIO_FEEDBACK }));
  return { codecs, headerExtensions: [] };
}
