import type { types as mediasoup } from 'mediasoup';
import type { SourceKind } from '../contracts/ids.ts';

/** What every router of every worker speaks; all the same, so that capabilities outlive the router they came from. */
export const MEDIA_CODECS: mediasoup.RouterRtpCodecCapability[] = [
  {
    kind: 'audio',
    mimeType: 'audio/opus',
    clockRate: 48_000,
    channels: 2,
    // In-band FEC for lossy uplinks, DTX so that silence costs nothing (RFC 7587 section 6.1).
    parameters: { useinbandfec: 1, usedtx: 1 },
  },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000, parameters: {} },
  {
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90_000,
    // Constrained baseline, level 3.1: what Safari and hardware encoders have in common (RFC 6184 section 8.1).
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
  },
  // For clients that ask for them: browsers take the first that they know. 8 bit 4:2:0 of both (RFC 9628 section 6, AV1 RTP section 7.2).
  { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, parameters: { 'profile-id': 0 } },
  { kind: 'video', mimeType: 'video/AV1', clockRate: 90_000, parameters: { profile: 0 } },
];

/**
 * A browser that negotiates it sends pictures as the camera holds them and says in a header how to turn them; without it, it
 * turns them itself. The compositor and every plain decoder see only pictures, so nobody is told of it (3GPP TS 26.114, 7.4.5).
 */
const VIDEO_ORIENTATION = 'urn:3gpp:video-orientation';

/** A router's capabilities as clients are told of them. */
export function publicCapabilities(router: mediasoup.RtpCapabilities): mediasoup.RtpCapabilities {
  const headerExtensions = (router.headerExtensions ?? []).filter((e) => e.uri !== VIDEO_ORIENTATION);
  return { ...router, headerExtensions };
}

export const mediaKindOf = (source: SourceKind): 'audio' | 'video' =>
  source === 'camera' || source === 'screen' ? 'video' : 'audio';
