/** A WebRTC transport without a browser and without SDP: ICE, DTLS and SRTP by werift, towards a mediasoup WebRtcTransport. */
import {
  IceCandidate,
  RTCDtlsParameters,
  RTCDtlsTransport,
  RTCIceGatherer,
  RTCIceTransport,
  type RtcpPacket,
  type RtpHeader,
  type RtpPacket,
} from 'werift';
import { z } from 'zod';
import { DtlsParameters, type TransportOptions } from '../../src/contracts/signaling.ts';
import type { PacketSender } from './RtpStream.ts';

/** AEAD_AES_128_GCM first, then AES_CM_128_HMAC_SHA1_80 (IANA's DTLS-SRTP protection profiles). */
const SRTP_PROFILES: ConstructorParameters<typeof RTCDtlsTransport>[3] = [7, 1];
/** From the first STUN check to SRTP keys; on a loaded machine it takes a second or two, ms. */
const CONNECT_TIMEOUT_MS = 20_000;

const RemoteOptions = z.object({
  iceParameters: z.object({ usernameFragment: z.string(), password: z.string() }),
  iceCandidates: z.array(
    z.object({
      foundation: z.string(),
      ip: z.string().optional(),
      address: z.string().optional(),
      port: z.int(),
      priority: z.number(),
      protocol: z.string(),
      type: z.string(),
    }),
  ),
  dtlsParameters: DtlsParameters,
});

export type SendDtlsParameters = (parameters: z.input<typeof DtlsParameters>) => Promise<unknown>;

export class MediaTransport implements PacketSender {
  readonly id: string;
  /** Packets that the socket did not take. */
  sendErrors = 0;
  readonly #ice: RTCIceTransport;
  readonly #dtls: RTCDtlsTransport;
  #closed = false;
  #onClose = () => {};

  private constructor(id: string, ice: RTCIceTransport, dtls: RTCDtlsTransport) {
    this.id = id;
    this.#ice = ice;
    this.#dtls = dtls;
  }

  /** `connect` is the signalling call that tells the server our certificate. Rejects when no connection comes about. */
  static async create(options: TransportOptions, connect: SendDtlsParameters): Promise<MediaTransport> {
    const remote = RemoteOptions.parse(options);
    await RTCDtlsTransport.SetupCertificate();
    const gatherer = new RTCIceGatherer({
      useIpv4: true,
      useIpv6: false,
      additionalHostAddresses: ['127.0.0.1'],
    });
    // werift asks a public STUN server when it is given none; the server's address is all that is needed here.
    delete gatherer.connection.stunServer;
    const ice = new RTCIceTransport(gatherer);
    // mediasoup is ICE-lite, so we control (RFC 8445 section 6.1.1).
    ice.connection.iceControlling = true;
    const dtls = new RTCDtlsTransport({}, ice, undefined, SRTP_PROFILES);
    const transport = new MediaTransport(options.id, ice, dtls);
    let timer: NodeJS.Timeout | undefined;
    try {
      await Promise.race([
        transport.#connect(remote, connect),
        new Promise((_, reject) => {
          transport.#onClose = () => reject(new Error('the transport was closed'));
          timer = setTimeout(() => reject(new Error('no WebRTC connection came about')), CONNECT_TIMEOUT_MS);
        }),
      ]);
      return transport;
    } catch (error) {
      await transport.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #connect(remote: z.infer<typeof RemoteOptions>, connect: SendDtlsParameters): Promise<void> {
    await this.#ice.gather();
    this.#ice.setRemoteParams({ iceLite: true, ...remote.iceParameters });
    for (const c of remote.iceCandidates) {
      if (c.protocol !== 'udp') continue;
      const address = c.address ?? c.ip ?? '';
      await this.#ice.addRemoteCandidate(
        new IceCandidate(1, c.foundation, address, c.port, c.priority, c.protocol, c.type),
      );
    }
    await this.#ice.addRemoteCandidate(undefined);
    this.#dtls.role = 'client';
    this.#dtls.setRemoteParams(new RTCDtlsParameters(remote.dtlsParameters.fingerprints, 'server'));
    const { fingerprints } = this.#dtls.localParameters;
    await connect({ role: 'client', fingerprints: fingerprints as z.input<typeof DtlsParameters>['fingerprints'] });
    await this.#ice.start();
    await this.#dtls.start();
  }

  get closed(): boolean {
    return this.#closed;
  }

  onRtcp(listener: (packet: RtcpPacket) => void): void {
    this.#dtls.onRtcp.subscribe(listener);
  }

  onRtp(listener: (packet: RtpPacket) => void): void {
    this.#dtls.onRtp.subscribe(listener);
  }

  protect(payload: Buffer, header: RtpHeader): Buffer {
    return this.#dtls.srtp.encrypt(payload, header);
  }

  send(packet: Buffer): void {
    if (this.#closed) return;
    this.#ice.connection.send(packet).catch(() => {
      this.sendErrors++;
    });
  }

  sendRtcp(packets: RtcpPacket[]): void {
    if (this.#closed) return;
    this.#dtls.sendRtcp(packets).catch(() => {
      this.sendErrors++;
    });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    this.#dtls.onRtp.allUnsubscribe();
    this.#dtls.onRtcp.allUnsubscribe();
    await this.#dtls.stop();
  }
}
