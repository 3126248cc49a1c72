/** The other side's SRTP, by werift-rtp: an implementation that is not ours. */
import { randomBytes } from 'node:crypto';
import { ProtectionProfileAeadAes128Gcm, RtpHeader, SrtcpSession, SrtpSession } from 'werift-rtp';
import type { SrtpParameters } from '../../../src/contracts/job.ts';

export interface PacketFields {
  sequence: number;
  ssrc: number;
  timestamp?: number;
  payloadType?: number;
  marker?: boolean;
  /** Sets the bit; the payload holds the padding. */
  padding?: boolean;
}

export class SrtpPeer {
  readonly parameters: SrtpParameters;
  readonly #rtp: SrtpSession;
  readonly #rtcp: SrtcpSession;

  /** `remote`: what the other side sends with. */
  constructor(remote?: SrtpParameters) {
    const local = randomBytes(28);
    const theirs = remote ? Buffer.from(remote.keyBase64, 'base64') : randomBytes(28);
    this.parameters = { cryptoSuite: 'AEAD_AES_128_GCM', keyBase64: local.toString('base64') };
    const config = {
      profile: ProtectionProfileAeadAes128Gcm,
      keys: {
        localMasterKey: local.subarray(0, 16),
        localMasterSalt: local.subarray(16),
        remoteMasterKey: theirs.subarray(0, 16),
        remoteMasterSalt: theirs.subarray(16),
      },
    };
    this.#rtp = new SrtpSession(config);
    this.#rtcp = new SrtcpSession(config);
  }

  rtp(fields: PacketFields, payload: Buffer): Buffer {
    const header = new RtpHeader({
      sequenceNumber: fields.sequence,
      ssrc: fields.ssrc,
      timestamp: fields.timestamp ?? 0,
      payloadType: fields.payloadType ?? 96,
      marker: fields.marker ?? false,
      padding: fields.padding ?? false,
    });
    return this.#rtp.encrypt(payload, header);
  }

  rtcp(compound: Buffer): Buffer {
    return this.#rtcp.encrypt(compound);
  }

  /** Throws where it is not authentic. */
  openRtcp(datagram: Buffer): Buffer {
    return this.#rtcp.decrypt(datagram);
  }
}
