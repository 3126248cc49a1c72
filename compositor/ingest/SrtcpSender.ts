/** Protects the RTCP that ingest sends to the SFU: NACK, PLI, receiver reports (RFC 3711 section 3.4, RFC 7714 section 9). */
import { createCipheriv, randomBytes } from 'node:crypto';
import type { SrtpParameters } from '../../src/contracts/job.ts';
import { GCM_TAG_BYTES, type SessionKey, sessionKeys, writeIv } from './srtpKeys.ts';

const RTCP_HEADER_BYTES = 8;
/** Key and salt of AEAD_AES_128_GCM. */
const MASTER_BYTES = 28;

export class SrtcpSender {
  /** Our sending key, fresh for each sender, for the other side's `connect()`. */
  readonly parameters: SrtpParameters = {
    cryptoSuite: 'AEAD_AES_128_GCM',
    keyBase64: randomBytes(MASTER_BYTES).toString('base64'),
  };
  readonly #session: SessionKey = sessionKeys(this.parameters).rtcp;
  readonly #iv = Buffer.alloc(12);
  /** 31 bits, never used twice with this key: at 100 packets a second it lasts 248 days. */
  #index = 0;

  /** `packet` is a compound RTCP packet of at least 8 octets. */
  protect(packet: Buffer): Buffer {
    this.#index = (this.#index + 1) & 0x7fffffff;
    const trailer = Buffer.alloc(4);
    trailer.writeUInt32BE((this.#index | 0x80000000) >>> 0);
    const header = packet.subarray(0, RTCP_HEADER_BYTES);
    writeIv(this.#iv, this.#session.salt, packet.readUInt32BE(4), this.#index >>> 16, this.#index & 0xffff);
    const cipher = createCipheriv('aes-128-gcm', this.#session.key, this.#iv, { authTagLength: GCM_TAG_BYTES });
    cipher.setAAD(Buffer.concat([header, trailer]));
    const body = cipher.update(packet.subarray(RTCP_HEADER_BYTES));
    cipher.final();
    return Buffer.concat([header, body, cipher.getAuthTag(), trailer]);
  }
}
