import {
  IceCandidate,
  PictureLossIndication,
  RTCDtlsParameters,
  RTCDtlsTransport,
  RTCIceGatherer,
  RTCIceTransport,
  type RtcpPacket,
  RtcpPayloadSpecificFeedback,
  RtcpSenderInfo,
  RtcpSrPacket,
  RtpHeader,
  type RtpPacket,
} from 'werift';
import type { TransportOptions } from '../../src/contracts/signaling.ts';
import type { SignalingClient } from './SignalingClient.ts';

/** One RTP stream that a test sends: frames are a few bytes, which is all that an SFU looks at. */
interface Stream {
  ssrc: number;
  payloadType: number;
  clockRate: number;
  video: { width: number; height: number } | undefined;
  sequence: number;
  pictureId: number;
  packets: number;
  octets: number;
  keyFrameWanted: boolean;
  /** Key-frame requests, at which time each, ms. */
  requests: number[];
}

const randomSsrc = (): number => 1 + Math.floor(Math.random() * 0xfffffffe);

/** VP8 payload descriptor (RFC 7741 section 4.2) with a 15-bit picture id, then the first bytes of a frame. */
function vp8(key: boolean, pictureId: number, { width, height }: { width: number; height: number }): Buffer {
  const descriptor = Buffer.from([0x90, 0x80, 0x80 | (pictureId >> 8), pictureId & 0xff]);
  const frame = Buffer.alloc(60, 0x55);
  frame[0] = key ? 0x10 : 0x11;
  if (key) {
    frame.set([0x9d, 0x01, 0x2a], 3);
    frame.writeUInt16LE(width, 6);
    frame.writeUInt16LE(height, 8);
  }
  return Buffer.concat([descriptor, frame]);
}

/** The ICE, DTLS and SRTP of one WebRTC transport, by werift, without SDP. */
export class RtcTransport {
  readonly ice: RTCIceTransport;
  readonly dtls: RTCDtlsTransport;
  readonly id: string;
  readonly received: RtpPacket[] = [];

  private constructor(id: string, ice: RTCIceTransport, dtls: RTCDtlsTransport) {
    this.id = id;
    this.ice = ice;
    this.dtls = dtls;
    dtls.onRtp.subscribe((packet) => {
      this.received.push(packet);
    });
  }

  /** Created and connected over signalling. */
  static async open(client: SignalingClient, direction: 'send' | 'recv'): Promise<RtcTransport> {
    const options = await client.call('transport:create', { direction });
    const transport = await RtcTransport.prepare(options);
    const { fingerprints } = transport.dtls.localParameters;
    await client.call('transport:connect', {
      transportId: options.id,
      dtlsParameters: { role: 'client', fingerprints },
    });
    await transport.ice.start();
    await transport.dtls.start();
    return transport;
  }

  static async prepare(options: TransportOptions): Promise<RtcTransport> {
    await RTCDtlsTransport.SetupCertificate();
    const gatherer = new RTCIceGatherer({ useIpv4: true, useIpv6: false, additionalHostAddresses: ['127.0.0.1'] });
    const ice = new RTCIceTransport(gatherer);
    ice.connection.iceControlling = true;
    await ice.gather();
    const { usernameFragment, password } = options.iceParameters as { usernameFragment: string; password: string };
    ice.setRemoteParams({ iceLite: true, usernameFragment, password });
    for (const c of options.iceCandidates as unknown as IceCandidate[]) {
      if (c.protocol !== 'udp') continue;
      const { address } = c as unknown as { address: string };
      await ice.addRemoteCandidate(new IceCandidate(1, c.foundation, address, c.port, c.priority, c.protocol, c.type));
    }
    await ice.addRemoteCandidate(undefined);
    const dtls = new RTCDtlsTransport({}, ice, undefined, [7, 1]);
    dtls.role = 'client';
    const { fingerprints } = options.dtlsParameters as { fingerprints: RTCDtlsParameters['fingerprints'] };
    dtls.setRemoteParams(new RTCDtlsParameters(fingerprints, 'server'));
    return new RtcTransport(options.id, ice, dtls);
  }

  /** PLI for a stream that is received (RFC 4585 section 6.3.1). */
  async requestKeyFrame(ssrc: number): Promise<void> {
    const feedback = new PictureLossIndication({ senderSsrc: 1, mediaSsrc: ssrc });
    await this.dtls.sendRtcp([new RtcpPayloadSpecificFeedback({ feedback })]);
  }

  async stop(): Promise<void> {
    await this.dtls.stop();
    await this.ice.stop();
  }
}

/** Sends a camera with three simulcast layers and a microphone. Key frames only when they are asked for. */
export class RtcPeer {
  readonly #transport: RtcTransport;
  readonly layers: Stream[];
  readonly microphone: Stream;
  #timers: NodeJS.Timeout[] = [];
  /** Twentieths of a second. */
  #ticks = 0;

  constructor(transport: RtcTransport) {
    this.#transport = transport;
    const video = (width: number, height: number): Stream => ({
      ...{ ssrc: randomSsrc(), payloadType: 96, clockRate: 90_000, video: { width, height } },
      ...{ sequence: 1, pictureId: 1, packets: 0, octets: 0, keyFrameWanted: true, requests: [] },
    });
    this.layers = [video(320, 180), video(640, 360), video(1280, 720)];
    this.microphone = { ...video(0, 0), payloadType: 111, clockRate: 48_000, video: undefined };
    transport.dtls.onRtcp.subscribe((packet) => this.#onRtcp(packet));
  }

  #onRtcp(packet: RtcpPacket): void {
    const { type, feedback } = packet as {
      type: number;
      feedback?: { mediaSsrc?: number; constructor: { name: string } };
    };
    if (type !== 206) return;
    const stream = this.layers.find((l) => l.ssrc === feedback?.mediaSsrc);
    if (!stream) return;
    stream.keyFrameWanted = true;
    stream.requests.push(performance.now());
  }

  get cameraParameters(): object {
    return {
      codecs: [
        {
          mimeType: 'video/VP8',
          clockRate: 90_000,
          payloadType: 96,
          parameters: {},
          rtcpFeedback: [{ type: 'nack', parameter: 'pli' }],
        },
      ],
      encodings: this.layers.map(({ ssrc }) => ({ ssrc, scalabilityMode: 'L1T1' })),
      rtcp: { cname: 'test', reducedSize: true },
    };
  }

  get microphoneParameters(): object {
    return {
      codecs: [{ mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: 111, parameters: {} }],
      headerExtensions: [{ uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', id: 10 }],
      encodings: [{ ssrc: this.microphone.ssrc }],
      rtcp: { cname: 'test', reducedSize: true },
    };
  }

  /** Starts to send: 20 frames a second on each layer, 60 packets of sound, and a sender report a second. */
  start(): void {
    this.#timers = [setInterval(() => this.#tick(), 50), setInterval(() => void this.#report(), 1_000)];
    void this.#report();
  }

  #timestamp(stream: Stream): number {
    return (this.#ticks * stream.clockRate) / 20;
  }

  #tick(): void {
    this.#ticks++;
    // As many packets of sound as a browser sends, about.
    for (const [i, stream] of [...this.layers, this.microphone, this.microphone, this.microphone].entries()) {
      const third = Math.max(0, i - this.layers.length) / 3;
      stream.pictureId = (stream.pictureId + 1) & 0x7fff;
      const payload = stream.video
        ? vp8(stream.keyFrameWanted, stream.pictureId, stream.video)
        : Buffer.alloc(40, 0x33);
      stream.keyFrameWanted = false;
      stream.sequence = (stream.sequence + 1) & 0xffff;
      stream.packets++;
      stream.octets += payload.length;
      const header = new RtpHeader({
        payloadType: stream.payloadType,
        sequenceNumber: stream.sequence,
        timestamp: (this.#timestamp(stream) + (third * stream.clockRate) / 20) >>> 0,
        ssrc: stream.ssrc,
        marker: stream.video !== undefined,
        // RFC 6464: voice, 20 dB below the loudest.
        ...(stream.video
          ? {}
          : { extension: true, extensionProfile: 0xbede, extensions: [{ id: 10, payload: Buffer.from([0x80 | 20]) }] }),
      });
      void this.#transport.dtls.sendRtp(payload, header).catch(() => {});
    }
  }

  async #report(): Promise<void> {
    const now = Date.now();
    const ntpTimestamp =
      (BigInt(Math.floor(now / 1000) + 2_208_988_800) << 32n) | BigInt(Math.floor(((now % 1000) / 1000) * 2 ** 32));
    for (const stream of [...this.layers, this.microphone]) {
      const senderInfo = new RtcpSenderInfo({
        ntpTimestamp,
        rtpTimestamp: this.#timestamp(stream) >>> 0,
        packetCount: stream.packets,
        octetCount: stream.octets,
      });
      await this.#transport.dtls.sendRtcp([new RtcpSrPacket({ ssrc: stream.ssrc, senderInfo })]).catch(() => {});
    }
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }
}
