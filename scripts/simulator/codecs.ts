/** The router's capabilities → what a simulated peer sends and takes. */
import type { z } from 'zod';
import { RtpCapabilities } from '../../src/contracts/signaling.ts';
import type { VideoCodec } from './clip/makeClip.ts';

type Fmtp = Record<string, string | number>;

export interface ChosenCodecs {
  video: { payloadType: number; fmtp: Fmtp };
  audio: { payloadType: number };
}

const Codecs = RtpCapabilities.shape.codecs.unwrap();

/** profile_idc and the constraint bits of Baseline and Constrained Baseline: what our clips are (RFC 6184 section 8.1). */
const isBaseline = (profileLevelId: unknown): boolean => /^42[0-9a-f]{4}$/i.test(String(profileLevelId));

/** Throws when the router does not take the clip's codec. */
export function codecsOf(routerRtpCapabilities: Record<string, unknown>, codec: VideoCodec): ChosenCodecs {
  const codecs = Codecs.parse(routerRtpCapabilities.codecs);
  const video = codecs.find((c) => {
    if (c.mimeType.toLowerCase() !== `video/${codec}`) return false;
    return (
      codec !== 'h264' ||
      (Number(c.parameters?.['packetization-mode'] ?? 0) === 1 && isBaseline(c.parameters?.['profile-level-id']))
    );
  });
  const audio = codecs.find((c) => c.mimeType.toLowerCase() === 'audio/opus');
  if (!video || !audio) throw new Error(`the server's router takes no ${video ? 'Opus' : codec.toUpperCase()}`);
  return {
    video: { payloadType: video.preferredPayloadType ?? 96, fmtp: fmtpOf(codec, video.parameters ?? {}) },
    audio: { payloadType: audio.preferredPayloadType ?? 111 },
  };
}

/** What our clips are: 8 bit 4:2:0 of VP9 and AV1. */
function fmtpOf(codec: VideoCodec, offered: Record<string, unknown>): Fmtp {
  switch (codec) {
    case 'vp8':
      return {};
    case 'h264':
      return {
        'packetization-mode': 1,
        'profile-level-id': String(offered['profile-level-id']),
        'level-asymmetry-allowed': 1,
      };
    case 'vp9':
      return { 'profile-id': 0 };
    case 'av1':
      return { profile: 0 };
  }
}

/** No header extensions and no bandwidth estimation: packets come as the server has them. */
export function receiveCapabilities(routerRtpCapabilities: Record<string, unknown>): z.input<typeof RtpCapabilities> {
  const codecs = Codecs.parse(routerRtpCapabilities.codecs)
    .filter((c) => !c.mimeType.toLowerCase().endsWith('/rtx'))
    .map((c) => ({
      ...c,
      rtcpFeedback: (c.rtcpFeedback ?? []).filter((f) => f.type !== 'transport-cc' && f.type !== 'goog-remb'),
    }));
  return { codecs, headerExtensions: [] };
}
