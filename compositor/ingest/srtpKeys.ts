/** Session keys of SRTP and SRTCP with AEAD_AES_128_GCM (RFC 3711 section 4.3, RFC 7714). */
import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { AppError } from '../../src/contracts/errors.ts';
import type { SrtpParameters } from '../../src/contracts/job.ts';

export const GCM_TAG_BYTES = 16;
const KEY_BYTES = 16;
const SALT_BYTES = 12;

export interface SessionKey {
  key: KeyObject;
  /** 12 octets. */
  salt: Buffer;
}

/** Labels of the key derivation (RFC 3711 section 4.3.2); AEAD needs no authentication keys. */
const LABEL = { rtpKey: 0, rtpSalt: 2, rtcpKey: 3, rtcpSalt: 5 } as const;

function derive(masterKey: Buffer, masterSalt: Buffer, label: number, length: number): Buffer {
  const iv = Buffer.alloc(16);
  masterSalt.copy(iv);
  iv[7] = (iv[7] ?? 0) ^ label;
  return createCipheriv('aes-128-ctr', masterKey, iv).update(Buffer.alloc(length));
}

/** Throws `bad-media` where the key has not 28 octets. */
export function sessionKeys(parameters: SrtpParameters): { rtp: SessionKey; rtcp: SessionKey } {
  const master = Buffer.from(parameters.keyBase64, 'base64');
  if (master.length !== KEY_BYTES + SALT_BYTES) throw new AppError('bad-media', 'An SRTP key has 28 octets.');
  const key = master.subarray(0, KEY_BYTES);
  const salt = master.subarray(KEY_BYTES);
  return {
    rtp: {
      key: createSecretKey(derive(key, salt, LABEL.rtpKey, KEY_BYTES)),
      salt: derive(key, salt, LABEL.rtpSalt, SALT_BYTES),
    },
    rtcp: {
      key: createSecretKey(derive(key, salt, LABEL.rtcpKey, KEY_BYTES)),
      salt: derive(key, salt, LABEL.rtcpSalt, SALT_BYTES),
    },
  };
}

/**
 * Writes the IV into `iv`: salt XOR (two zero octets, SSRC, 48-bit index) (RFC 7714 section 8.1; for SRTCP, section 9.1, the
 * upper 16 bits of the index are zero, which gives the same form). `high` = index / 2^16, `low` = the lower 16 bits.
 */
export function writeIv(iv: Buffer, salt: Buffer, ssrc: number, high: number, low: number): Buffer {
  salt.copy(iv);
  iv.writeUInt32BE((iv.readUInt32BE(2) ^ ssrc) >>> 0, 2);
  iv.writeUInt32BE((iv.readUInt32BE(6) ^ high) >>> 0, 6);
  iv.writeUInt16BE(iv.readUInt16BE(10) ^ low, 10);
  return iv;
}
