export interface CameraParameters {
  codecs: object[];
  encodings: object[];
}

/** Parameters that no honest browser sends, each with what is wrong with it, made from `good` ones. */
export function absurdRtpParameters(good: CameraParameters): [what: string, rtpParameters: object][] {
  const codec = good.codecs[0] as object;
  return [
    ['a codec nobody has', { ...good, codecs: [{ ...codec, mimeType: 'video/XYZ' }] }],
    [
      'a codec of another kind',
      { ...good, codecs: [{ mimeType: 'audio/opus', payloadType: 111, clockRate: 48_000, channels: 2 }] },
    ],
    ['retransmissions only', { ...good, codecs: [{ ...codec, mimeType: 'video/rtx', parameters: { apt: 96 } }] }],
    [
      'rtx of rtx',
      { ...good, codecs: [codec, { ...codec, payloadType: 97, mimeType: 'video/rtx', parameters: { apt: 97 } }] },
    ],
    ['the same payload type twice', { ...good, codecs: [codec, codec] }],
    ['the same SSRC twice', { ...good, encodings: [{ ssrc: 5 }, { ssrc: 5 }] }],
    ['SSRC and RTX SSRC the same', { ...good, encodings: [{ ssrc: 5, rtx: { ssrc: 5 } }] }],
    ['encodings without a name', { ...good, encodings: [{}, {}] }],
    ['too many layers', { ...good, encodings: [1, 2, 3, 4].map((ssrc) => ({ ssrc })) }],
    ['another clock rate', { ...good, codecs: [{ ...codec, clockRate: 1 }] }],
    ['neither SSRC nor RID nor MID', { ...good, encodings: [{}] }],
    ['a payload type that no codec has', { ...good, encodings: [{ ssrc: 5, codecPayloadType: 3 }] }],
    ['fractional bitrate', { ...good, encodings: [{ ssrc: 5, maxBitrate: 1.5 }] }],
    ['nested format parameters', { ...good, codecs: [{ ...codec, parameters: { a: { b: 1 } } }] }],
    ['null format parameters', { ...good, codecs: [{ ...codec, parameters: { a: null } }] }],
    ['no codecs', { ...good, codecs: [] }],
    ['an SSRC beyond 32 bits', { ...good, encodings: [{ ssrc: 2 ** 32 }] }],
    [
      'the same header extension id twice',
      {
        ...good,
        headerExtensions: [
          { uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 1 },
          { uri: 'urn:3gpp:video-orientation', id: 1 },
        ],
      },
    ],
    ['10 kB of scalability mode', { ...good, encodings: [{ ssrc: 5, scalabilityMode: 'L1T1'.repeat(2_500) }] }],
  ];
}
