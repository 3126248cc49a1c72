/** Protects RTP that goes to the SFU (RFC 3711 section 3.1, RFC 7714 section 8), with the key of the connection's SrtcpSender.ts. */
import { createCipheriv } from 'node:crypto';
import type { SrtpParameters } from '../../src/contracts/job.ts';
import { rtpHeaderBytes } from './rtpPacket.ts';
import { GCM_TAG_BYTES, type SessionKey, sessionKeys, writeIv } from './srtpKeys.ts';

export class SrtpSender {
  readonly #session: SessionKey;
  readonly #iv = Buffer.alloc(12);

  constructor(parameters: SrtpParameters) {
    this.#session = sessionKeys(parameters).rtp;
  }

  /**
   * `rollovers`: how often the sequence number of this SSRC has wrapped. No packet index may be used twice with another content: an SSRC
   * begins anew only with another key.
   */
  protect(packet: Buffer, rollovers: number): Buffer {
    const bytes = rtpHeaderBytes(packet);
    const header = packet.subarray(0, bytes);
    writeIv(this.#iv, this.#session.salt, packet.readUInt32BE(8), rollovers, packet.readUInt16BE(2));
    const cipher = createCipheriv('aes-128-gcm', this.#session.key, this.#iv, { authTagLength: GCM_TAG_BYTES });
    cipher.setAAD(header);
    const body = cipher.update(packet.subarray(bytes));
    cipher.final();
    return Buffer.concat([header, body, cipher.getAuthTag()]);
  }
}
