import type { types as mediasoup } from 'mediasoup';
import { describe, expect, test } from 'vitest';
import { sanitizeRtpParameters } from '../../../src/sfu/rtpParameters.ts';

const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const ABS_CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

const video = (more: object = {}): mediasoup.RtpParameters =>
  ({
    codecs: [{ mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 }],
    encodings: [{ ssrc: 1 }, { ssrc: 2 }, { ssrc: 3 }],
    ...more,
  }) as mediasoup.RtpParameters;

describe('sanitizeRtpParameters', () => {
  test('takes away abs-capture-time, and what nobody knows', () => {
    const headerExtensions = [
      { uri: MID, id: 1 },
      { uri: ABS_CAPTURE_TIME, id: 2 },
      { uri: 'urn:nobody', id: 3 },
    ];
    expect(sanitizeRtpParameters('camera', video({ headerExtensions })).headerExtensions).toEqual([
      { uri: MID, id: 1 },
    ]);
  });

  test('leaves the rest alone, and does not touch what it is given', () => {
    const given = video({ headerExtensions: [{ uri: ABS_CAPTURE_TIME, id: 2 }], rtcp: { cname: 'c' } });
    const copy = structuredClone(given);
    expect(sanitizeRtpParameters('screen', given)).toEqual({ ...given, headerExtensions: [] });
    expect(given).toEqual(copy);
  });

  test.each([
    ['a codec of another kind', video(), 'microphone'],
    ['four layers', video({ encodings: [1, 2, 3, 4].map((ssrc) => ({ ssrc })) }), 'camera'],
    ['one SSRC for two layers', video({ encodings: [{ ssrc: 1 }, { ssrc: 1 }] }), 'camera'],
    ['one SSRC for a layer and its retransmissions', video({ encodings: [{ ssrc: 1, rtx: { ssrc: 1 } }] }), 'camera'],
    ['one RID for two layers', video({ encodings: [{ rid: 'a' }, { rid: 'a' }] }), 'camera'],
    ['layers without a name', video({ encodings: [{ ssrc: 1 }, {}] }), 'camera'],
  ] as const)('refuses %s', (_, parameters, source) => {
    expect(() => sanitizeRtpParameters(source, parameters)).toThrow(expect.objectContaining({ code: 'bad-media' }));
  });
});
