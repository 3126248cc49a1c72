/** One RTP stream (one SSRC): payloads in, encrypted packets out; answers NACKs from what it has sent. */
import { RtcpSenderInfo, RtcpSrPacket, RtpHeader } from 'werift';

/** Packets kept for NACKs: about 5 s of the highest layer. */
const RING = 1024;
/** Seconds from NTP's epoch (1900) to Unix' (RFC 5905). */
const NTP_UNIX_SECONDS = 2_208_988_800;

/** What RtpStream needs of a transport. */
export interface PacketSender {
  /** Encrypts; the result may be sent, and sent again. */
  protect(payload: Buffer, header: RtpHeader): Buffer;
  send(packet: Buffer): void;
}

/** Id and URI of the audio level's header extension (RFC 6464), by which the server knows who speaks. */
export const AUDIO_LEVEL = { uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', id: 1 } as const;
/** One-byte header extensions (RFC 8285 section 4.2). */
const ONE_BYTE_PROFILE = 0xbede;

const random = (bits: number): number => Math.floor(Math.random() * 2 ** bits);

export class RtpStream {
  readonly ssrc = 1 + random(31);
  readonly payloadType: number;
  readonly clockRate: number;
  packets = 0;
  octets = 0;
  resent = 0;
  /** Asked for again, but no longer kept. */
  forgotten = 0;
  readonly #loss: number;
  readonly #timestampBase = random(32);
  #sequence = random(15);
  readonly #ring: ({ sequence: number; packet: Buffer } | undefined)[] = new Array(RING);

  /** `loss`: the share of packets that get lost on the way, 0 to 1; what is sent again arrives. */
  constructor(payloadType: number, clockRate: number, loss = 0) {
    this.#loss = loss;
    this.payloadType = payloadType;
    this.clockRate = clockRate;
  }

  /** RTP timestamp of a capture time, ms; modulo 2^32. */
  timestampOf(captureMs: number): number {
    return (this.#timestampBase + Math.round((captureMs * this.clockRate) / 1000)) % 2 ** 32;
  }

  /** `level`: of the sound, 0 to 127, in −dBov; video has none. */
  send(sender: PacketSender, payload: Buffer, captureMs: number, marker: boolean, level?: number): void {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const header = new RtpHeader({
      payloadType: this.payloadType,
      sequenceNumber: this.#sequence,
      timestamp: this.timestampOf(captureMs),
      ssrc: this.ssrc,
      marker,
      ...(level === undefined
        ? {}
        : {
            extension: true,
            extensionProfile: ONE_BYTE_PROFILE,
            extensions: [{ id: AUDIO_LEVEL.id, payload: Buffer.of(level) }],
          }),
    });
    const packet = sender.protect(payload, header);
    this.#ring[this.#sequence % RING] = { sequence: this.#sequence, packet };
    this.packets++;
    this.octets += payload.length;
    if (this.#loss === 0 || Math.random() >= this.#loss) sender.send(packet);
  }

  /** Generic NACK (RFC 4585 section 6.2.1): the same bytes once more, so nothing is encrypted twice. */
  resend(sender: PacketSender, sequences: readonly number[]): void {
    for (const sequence of sequences) {
      const kept = this.#ring[sequence % RING];
      if (kept?.sequence === sequence) {
        this.resent++;
        sender.send(kept.packet);
      } else this.forgotten++;
    }
  }

  /** A sender report for the wall-clock time `nowMs` (RFC 3550 section 6.4.1). */
  report(nowMs: number): RtcpSrPacket {
    const seconds = BigInt(Math.floor(nowMs / 1000) + NTP_UNIX_SECONDS);
    const fraction = BigInt(Math.floor(((nowMs % 1000) / 1000) * 2 ** 32));
    return new RtcpSrPacket({
      ssrc: this.ssrc,
      senderInfo: new RtcpSenderInfo({
        ntpTimestamp: (seconds << 32n) | fraction,
        rtpTimestamp: this.timestampOf(nowMs),
        packetCount: this.packets,
        octetCount: this.octets % 2 ** 32,
      }),
    });
  }

  /** Forgets what was sent: a new transport has new keys. */
  forget(): void {
    this.#ring.fill(undefined);
  }
}
