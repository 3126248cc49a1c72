import type { types as mediasoup } from 'mediasoup';
import {
  AV_CODEC_ID_AV1,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AVERROR_EAGAIN,
  Codec,
  CodecContext,
  Frame,
  Packet,
} from 'node-av';
import { AV1RtpPayload, H264RtpPayload, RtpPacket, Vp8RtpPayload, Vp9RtpPayload } from 'werift';
import type { VideoCodec } from '../../../scripts/simulator/clip/makeClip.ts';
import { readTile, type TileReading } from '../program/readTile.ts';

const DECODERS = {
  vp8: AV_CODEC_ID_VP8,
  h264: AV_CODEC_ID_H264,
  vp9: AV_CODEC_ID_VP9,
  av1: AV_CODEC_ID_AV1,
} as const;

export interface Seen extends TileReading {
  width: number;
  height: number;
}

/**
 * Consumes a producer within the process (mediasoup's DirectTransport), decodes what comes, and reads the simulated peer's
 * code from each picture. Decoding starts with a key frame; a frame with a missing packet is an error.
 */
export class Probe {
  readonly #transport: mediasoup.DirectTransport;
  readonly #consumer: mediasoup.Consumer;
  readonly #codec: VideoCodec;
  readonly #decoder: CodecContext;
  readonly #frame = new Frame();
  readonly #seen: Seen[] = [];
  readonly #waiting = new Set<() => void>();
  #packets: RtpPacket[] = [];
  #sequence: number | null = null;
  #late = new Map<number, RtpPacket>();
  #started = false;

  private constructor(transport: mediasoup.DirectTransport, consumer: mediasoup.Consumer, codec: VideoCodec) {
    this.#transport = transport;
    this.#consumer = consumer;
    this.#codec = codec;
    this.#decoder = new CodecContext();
    const decoder = Codec.findDecoder(DECODERS[codec]);
    if (!decoder) throw new Error(`no decoder for ${codec}`);
    this.#decoder.allocContext3(decoder);
    this.#decoder.threadCount = 1;
    if (this.#decoder.open2Sync(decoder, null) < 0) throw new Error(`${codec} does not open`);
    this.#frame.alloc();
    consumer.on('rtp', (buffer) => this.#onRtp(RtpPacket.deSerialize(buffer)));
  }

  static async create(router: mediasoup.Router, producer: mediasoup.Producer, codec: VideoCodec): Promise<Probe> {
    const transport = await router.createDirectTransport();
    const consumer = await transport.consume({
      producerId: producer.id,
      rtpCapabilities: { ...router.rtpCapabilities, headerExtensions: [] } as mediasoup.RtpCapabilities,
      paused: true,
    });
    const probe = new Probe(transport, consumer, codec);
    await consumer.resume();
    return probe;
  }

  async preferLayer(spatialLayer: number): Promise<void> {
    await this.#consumer.setPreferredLayers({ spatialLayer });
  }

  async requestKeyFrame(): Promise<void> {
    await this.#consumer.requestKeyFrame();
  }

  all(): readonly Seen[] {
    return this.#seen;
  }

  /** The next `count` pictures. */
  async pictures(count: number): Promise<Seen[]> {
    const from = this.#seen.length;
    await this.#until(() => this.#seen.length >= from + count);
    return this.#seen.slice(from, from + count);
  }

  /** The next `count` pictures from the first of this width on. */
  async picturesOf(width: number, count: number): Promise<Seen[]> {
    const from = this.#seen.length;
    const start = () => this.#seen.findIndex((seen, i) => i >= from && seen.width === width);
    await this.#until(() => start() >= 0 && this.#seen.length >= start() + count);
    return this.#seen.slice(start(), start() + count);
  }

  async #until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** In order of sequence numbers: what was lost on the way comes late. */
  #onRtp(packet: RtpPacket): void {
    this.#sequence ??= packet.header.sequenceNumber;
    this.#late.set(packet.header.sequenceNumber, packet);
    for (;;) {
      const next = this.#late.get(this.#sequence);
      if (!next) return;
      this.#late.delete(this.#sequence);
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.#packets.push(next);
      if (next.header.marker) this.#decode(this.#packets.splice(0));
    }
  }

  #decode(packets: RtpPacket[]): void {
    const { data, keyFrame } = this.#codec === 'av1' ? av1Frame(packets) : joinedFrame(packets, this.#codec);
    this.#started ||= keyFrame;
    if (!this.#started) return;
    const packet = new Packet();
    packet.alloc();
    packet.data = data;
    const sent = this.#decoder.sendPacketSync(packet);
    packet.free();
    if (sent < 0) throw new Error(`the frame does not decode: ${sent}`);
    while (true) {
      const code = this.#decoder.receiveFrameSync(this.#frame);
      if (code === AVERROR_EAGAIN) break;
      if (code < 0) throw new Error(`the frame does not decode: ${code}`);
      const { width, height, linesize } = this.#frame;
      const picture = { width, height, planes: this.#frame.data ?? [], strides: linesize };
      this.#seen.push({ width, height, ...readTile(picture, { x: 0, y: 0, width, height }) });
      this.#frame.unref();
    }
    for (const look of [...this.#waiting]) look();
  }

  async close(): Promise<void> {
    this.#transport.close();
    this.#frame.free();
    this.#decoder.freeContext();
  }
}

interface WholeFrame {
  data: Buffer;
  keyFrame: boolean;
}

/** What werift's depacketizers make of the packets of one frame. */
function joinedFrame(packets: readonly RtpPacket[], codec: 'vp8' | 'h264' | 'vp9'): WholeFrame {
  const Payload = { vp8: Vp8RtpPayload, h264: H264RtpPayload, vp9: Vp9RtpPayload }[codec];
  const parsed: { payload: Buffer; isKeyframe: boolean }[] = [];
  let fragment: Buffer | undefined;
  for (const packet of packets) {
    const payload = Payload.deSerialize(packet.payload, fragment as never) as (typeof parsed)[number] & {
      fragment?: Buffer;
    };
    fragment = payload.fragment;
    if (!fragment) parsed.push(payload);
  }
  return {
    data: Buffer.concat(parsed.map(({ payload }) => payload)),
    keyFrame: parsed.some(({ isKeyframe }) => isKeyframe),
  };
}

function av1Frame(packets: readonly RtpPacket[]): WholeFrame {
  const parsed = packets.map((packet) => AV1RtpPayload.deSerialize(packet.payload));
  return { data: AV1RtpPayload.getFrame(parsed), keyFrame: parsed.some(({ isKeyframe }) => isKeyframe) };
}
