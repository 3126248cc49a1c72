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
    if (codec === 'vp8') return c.mimeType.toLowerCase() === 'video/vp8';
    return (
      c.mimeType.toLowerCase() === 'video/h264' &&
      Number(c.parameters?.['packetization-mode'] ?? 0) === 1 &&
      isBaseline(c.parameters?.['profile-level-id'])
    );
  });
  const audio = codecs.find((c) => c.mimeType.toLowerCase() === 'audio/opus');
  if (!video || !audio) throw new Error(`the server's router takes no ${video ? 'Opus' : codec.toUpperCase()}`);
  const fmtp: Fmtp =
    codec === 'vp8'
      ? {}
      : {
          'packetization-mode': 1,
          'profile-level-id': String(video.parameters?.['profile-level-id']),
          'level-asymmetry-allowed': 1,
        };
  return {
    video: { payloadType: video.preferredPayloadType ?? 96, fmtp },
    audio: { payloadType: audio.preferredPayloadType ?? 111 },
  };
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
