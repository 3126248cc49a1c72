/** What is produced on a compositor's transport: how the program comes back, in the router's own codecs. */
import { randomBytes } from 'node:crypto';
import type { types as mediasoup } from 'mediasoup';
import { type ProgramSource, RETURN_SOUND_CLOCK, RETURN_VIDEO_CLOCK } from '../contracts/programReturn.ts';

export interface ReturnData extends mediasoup.AppData {
  source: ProgramSource;
}

/** Dynamic ones (RFC 3551 section 6); each stream has an SSRC of its own. */
const PAYLOAD_TYPE = { video: 102, sound: 111 } as const;
/** A key frame comes with each segment and on no request: there is no use in asking often, ms. */
const KEY_FRAME_REQUESTS_MS = 2_000;

/** Never 0, which stands for none. */
const newSsrc = (): number => 1 + (randomBytes(4).readUInt32BE() % 0xfffffffe);

/** What is lost between the compositor and here is asked for again. */
const NACK: mediasoup.RtcpFeedback = { type: 'nack', parameter: '' };
/** Sound and picture have one clock: browsers bring together what has one name (RFC 3550 section 6.5.1). */
const CNAME = 'program';

/**
 * The profile is the one that all browsers name (RFC 7742 section 6.2), whatever the program's is: H.264 is matched by name here and in browsers, which
 * then decode by the SPS. Under its own name, Main, it would be refused by Firefox and Safari, which decode it all the same.
 */
export const videoProducer = (): mediasoup.ProducerOptions<ReturnData> => ({
  kind: 'video',
  rtpParameters: {
    codecs: [
      {
        mimeType: 'video/H264',
        payloadType: PAYLOAD_TYPE.video,
        clockRate: RETURN_VIDEO_CLOCK,
        parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
        rtcpFeedback: [NACK, { type: 'nack', parameter: 'pli' }],
      },
    ],
    encodings: [{ ssrc: newSsrc() }],
    rtcp: { cname: CNAME },
  },
  keyFrameRequestDelay: KEY_FRAME_REQUESTS_MS,
  appData: { source: 'program' },
});

export const soundProducer = (): mediasoup.ProducerOptions<ReturnData> => ({
  kind: 'audio',
  rtpParameters: {
    codecs: [
      {
        mimeType: 'audio/opus',
        payloadType: PAYLOAD_TYPE.sound,
        clockRate: RETURN_SOUND_CLOCK,
        channels: 2,
        parameters: { 'sprop-stereo': 1 },
        rtcpFeedback: [NACK],
      },
    ],
    encodings: [{ ssrc: newSsrc() }],
    rtcp: { cname: CNAME },
  },
  appData: { source: 'program-sound' },
});
