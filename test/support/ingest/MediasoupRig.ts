/** A real mediasoup worker and router; producers fed by RtpStreamer, consumers on one SRTP PlainTransport as the controller makes it. */
import { createWorker, type types } from 'mediasoup';
import type { JobSource, SrtpParameters } from '../../../src/contracts/job.ts';
import { keptThroughSilence } from '../../../src/sfu/rtpParameters.ts';
import type { LossyHop } from './LossyHop.ts';
import { RtpStreamer } from './RtpStreamer.ts';

export const OPUS = {
  kind: 'audio',
  mimeType: 'audio/opus',
  clockRate: 48_000,
  channels: 2,
  preferredPayloadType: 111,
} as const;
export const VP8 = { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000, preferredPayloadType: 96 } as const;
export const H264 = {
  kind: 'video',
  mimeType: 'video/H264',
  clockRate: 90_000,
  preferredPayloadType: 102,
  parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
} as const;
export const VP9 = {
  kind: 'video',
  mimeType: 'video/VP9',
  clockRate: 90_000,
  preferredPayloadType: 98,
  parameters: { 'profile-id': 0 },
} as const;
export const AV1 = {
  kind: 'video',
  mimeType: 'video/AV1',
  clockRate: 90_000,
  preferredPayloadType: 99,
  parameters: { profile: 0 },
} as const;
export type RigCodec = typeof OPUS | typeof VP8 | typeof H264 | typeof VP9 | typeof AV1;
const VIDEO_FEEDBACK = [
  { type: 'nack', parameter: '' },
  { type: 'nack', parameter: 'pli' },
  { type: 'ccm', parameter: 'fir' },
];

/** No header extensions, no transport-cc, no goog-remb, no RTX: see the design's Media interface. */
const CONSUME: types.RtpCapabilities = {
  headerExtensions: [],
  codecs: [
    { ...OPUS, rtcpFeedback: [{ type: 'nack', parameter: '' }] },
    { ...VP8, rtcpFeedback: VIDEO_FEEDBACK },
    ...[H264, VP9, AV1].map((codec) => ({ ...codec, rtcpFeedback: VIDEO_FEEDBACK })),
  ],
};

export class MediasoupRig {
  readonly worker: types.Worker;
  readonly router: types.Router;
  readonly streamer: RtpStreamer;
  readonly #input: types.PlainTransport;

  private constructor(worker: types.Worker, router: types.Router, input: types.PlainTransport, streamer: RtpStreamer) {
    this.worker = worker;
    this.router = router;
    this.#input = input;
    this.streamer = streamer;
  }

  /** `via`: a hop between the sender and mediasoup; `workerBin`: another worker than the installed one. */
  static async create(via?: LossyHop, workerBin?: string): Promise<MediasoupRig> {
    const worker = await createWorker({ logLevel: 'warn', ...(workerBin ? { workerBin } : {}) });
    const router = await worker.createRouter({ mediaCodecs: [OPUS, VP8, H264, VP9, AV1] });
    const input = await router.createPlainTransport({
      listenInfo: { protocol: 'udp', ip: '127.0.0.1', recvBufferSize: 1 << 20 },
      comedia: true,
      rtcpMux: true,
    });
    via?.to(input.tuple.localPort);
    const streamer = await RtpStreamer.create({ ip: '127.0.0.1', port: via?.port ?? input.tuple.localPort });
    return new MediasoupRig(worker, router, input, streamer);
  }

  /** `kept`: how many layers, from the lowest on, are kept through a silence; production has one. */
  produce(
    codec: RigCodec,
    ssrcs: number[],
    { kept = 1, keyFrameRequestDelay = 0 }: { kept?: number; keyFrameRequestDelay?: number } = {},
  ): Promise<types.Producer> {
    const { mimeType, clockRate, preferredPayloadType: payloadType } = codec;
    const encodings = ssrcs.map((ssrc) => ({ ssrc, ...(ssrcs.length > 1 ? { scalabilityMode: 'L1T1' } : {}) }));
    return this.#input.produce({
      kind: codec.kind,
      keyFrameRequestDelay,
      rtpParameters: {
        codecs: [
          {
            mimeType,
            clockRate,
            payloadType,
            ...('channels' in codec ? { channels: codec.channels } : {}),
            ...('parameters' in codec ? { parameters: codec.parameters } : {}),
            ...(codec.kind === 'video' ? { rtcpFeedback: VIDEO_FEEDBACK } : {}),
          },
        ],
        encodings: keptThroughSilence(encodings, kept),
        rtcp: { cname: 'test' },
      },
    });
  }

  /** The PlainTransport to ingest, connected. */
  async output(ingest: { ip: string; port: number; srtpParameters: SrtpParameters }): Promise<types.PlainTransport> {
    const transport = await this.router.createPlainTransport({
      listenInfo: { protocol: 'udp', ip: '127.0.0.1' },
      rtcpMux: true,
      comedia: false,
      enableSrtp: true,
      srtpCryptoSuite: 'AEAD_AES_128_GCM',
    });
    await transport.connect(ingest);
    return transport;
  }

  /** Of a producer, or of the producer of another consumer. */
  consume(transport: types.PlainTransport, of: types.Producer | types.Consumer): Promise<types.Consumer> {
    return transport.consume({
      producerId: 'producerId' in of ? of.producerId : of.id,
      rtpCapabilities: CONSUME,
      paused: true,
      enableRtx: true,
    });
  }

  close(): void {
    this.streamer.close();
    this.worker.close();
  }
}

export const srtpOf = (transport: types.PlainTransport): SrtpParameters => {
  const keyBase64 = transport.srtpParameters?.keyBase64;
  if (!keyBase64) throw new Error('the transport has no SRTP');
  return { cryptoSuite: 'AEAD_AES_128_GCM', keyBase64 };
};

/** The job's description of a consumer. */
export function sourceOf(consumer: types.Consumer, peer: string, kind: JobSource['kind']): JobSource {
  const codec = consumer.rtpParameters.codecs[0];
  const ssrc = consumer.rtpParameters.encodings?.[0]?.ssrc;
  if (!codec || !ssrc) throw new Error('the consumer has no codec or SSRC');
  const { mimeType: mime, payloadType, clockRate } = codec;
  return {
    id: `${peer}.${kind}`,
    peer,
    kind,
    mime,
    payloadType,
    clockRate,
    fmtp: (codec.parameters ?? {}) as JobSource['fmtp'],
    ssrc,
    paused: false,
  };
}
