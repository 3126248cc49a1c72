import type { types as mediasoup } from 'mediasoup';
import { describe, expect, test } from 'vitest';
import { sanitizeRtpParameters } from '../../../src/sfu/rtpParameters.ts';

const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const ABS_CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

const codec = (name: string) => ({ mimeType: `video/${name}`, payloadType: 96, clockRate: 90_000 });
const SVC = { ssrc: 1, scalabilityMode: 'L3T3_KEY' };
const DEPENDENCY_DESCRIPTOR = {
  uri: 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
  id: 4,
};

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
    const encodings = [{ ssrc: 1, dtx: true }, { ssrc: 2 }, { ssrc: 3 }];
    expect(sanitizeRtpParameters('screen', given)).toEqual({ ...given, headerExtensions: [], encodings });
    expect(given).toEqual(copy);
  });

  test('of several layers the lowest is kept through a silence, and a single one is as it was', () => {
    const of = (...encodings: object[]) => sanitizeRtpParameters('camera', video({ encodings })).encodings;
    expect(of({ rid: 'l', maxBitrate: 9 }, { rid: 'h' })).toEqual([
      { rid: 'l', maxBitrate: 9, dtx: true },
      { rid: 'h' },
    ]);
    expect(of({ ssrc: 7 })).toEqual([{ ssrc: 7 }]);
    expect(sanitizeRtpParameters('camera', { codecs: [{ ...codec('VP8'), rtcpFeedback: [] }] })).not.toHaveProperty(
      'encodings',
    );
  });

  test('takes SVC of VP9, and of AV1 with the dependency descriptor', () => {
    const vp9 = video({ codecs: [codec('VP9')], encodings: [SVC] });
    expect(sanitizeRtpParameters('camera', vp9).encodings).toEqual([SVC]);
    const av1 = video({ codecs: [codec('AV1')], encodings: [SVC], headerExtensions: [DEPENDENCY_DESCRIPTOR] });
    expect(sanitizeRtpParameters('camera', av1).headerExtensions).toEqual([DEPENDENCY_DESCRIPTOR]);
    const plain = video({ codecs: [codec('AV1')], encodings: [{ ssrc: 1, scalabilityMode: 'L1T1' }] });
    expect(sanitizeRtpParameters('camera', plain).encodings).toHaveLength(1);
  });

  test.each([
    ['a codec of another kind', video(), 'microphone'],
    ['four layers', video({ encodings: [1, 2, 3, 4].map((ssrc) => ({ ssrc })) }), 'camera'],
    ['one SSRC for two layers', video({ encodings: [{ ssrc: 1 }, { ssrc: 1 }] }), 'camera'],
    ['one SSRC for a layer and its retransmissions', video({ encodings: [{ ssrc: 1, rtx: { ssrc: 1 } }] }), 'camera'],
    ['one RID for two layers', video({ encodings: [{ rid: 'a' }, { rid: 'a' }] }), 'camera'],
    ['simulcast of VP9', video({ codecs: [codec('VP9')] }), 'camera'],
    ['simulcast of AV1', video({ codecs: [codec('AV1')] }), 'screen'],
    ['AV1 with layers that nobody could tell apart', video({ codecs: [codec('AV1')], encodings: [SVC] }), 'camera'],
    ['layers without a name', video({ encodings: [{ ssrc: 1 }, {}] }), 'camera'],
  ] as const)('refuses %s', (_, parameters, source) => {
    expect(() => sanitizeRtpParameters(source, parameters)).toThrow(expect.objectContaining({ code: 'bad-media' }));
  });
});
