/** A simulated camera of any codec, in all layers of the simulator's clip: key frames when they are asked for, numbered pictures. */
import { CLIP_FRAMES } from '../../../scripts/simulator/clip/frameCode.ts';
import type { EncodedClip, VideoCodec } from '../../../scripts/simulator/clip/makeClip.ts';
import { numberPicture, payloadsOf } from '../../../scripts/simulator/packetize.ts';
import { AV1, H264, VP8, VP9 } from './MediasoupRig.ts';
import type { RtpStreamer } from './RtpStreamer.ts';

export const RIG_CODECS = { vp8: VP8, h264: H264, vp9: VP9, av1: AV1 } as const;
export const FPS = 30;

/** Adds the clip's layers, lowest first; a key frame that is asked for comes from the copy that has the next one. Answers their SSRCs. */
export function sendCamera(
  streamer: RtpStreamer,
  o: { codec: VideoCodec; clip: EncodedClip; firstSsrc: number; reportMs?: () => number },
): number[] {
  return o.clip.video.map((copies, layer) => {
    const ssrc = o.firstSsrc + layer;
    let copy = 0;
    let wanted = true;
    streamer.add({
      ...{ ssrc, payloadType: RIG_CODECS[o.codec].preferredPayloadType, clockRate: 90_000, frameMs: 1000 / FPS },
      // Both wrap within the first seconds.
      ...{ firstSequence: 65_400, firstTimestamp: (0xfffff000 + layer * 12_345) >>> 0 },
      ...(o.reportMs ? { reportMs: o.reportMs } : {}),
      frame: (n, wantsKey) => {
        wanted ||= wantsKey;
        const next = wanted ? copies.findIndex((frames) => frames[n % CLIP_FRAMES]?.key) : -1;
        if (next >= 0) {
          copy = next;
          wanted = false;
        }
        const payloads = payloadsOf(o.codec, copies[copy]![n % CLIP_FRAMES]!);
        for (const payload of payloads) numberPicture(o.codec, payload, n & 0x7fff);
        return payloads;
      },
    });
    return ssrc;
  });
}
