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
];

export const mediaKindOf = (source: SourceKind): 'audio' | 'video' =>
  source === 'camera' || source === 'screen' ? 'video' : 'audio';
