/**
 * Comes in: SRTP and SRTCP datagrams of the connected SFU. Goes out: authentic RTP packets with their 48-bit index, and
 * authentic RTCP. Next: SourceReceiver.ts.
 *
 * Own code, because the SRTP of werift loses the rollover counter after heavy loss, throws on a bad tag, knows no replay
 * protection and costs twice. Nothing here throws on anything that a network can bring.
 */
import { createDecipheriv } from 'node:crypto';
import type { SrtpParameters } from '../../src/contracts/job.ts';
import { ReplayWindow } from './ReplayWindow.ts';
import { type RtpPacket, rtpHeaderBytes, withoutPadding } from './rtpPacket.ts';
import { GCM_TAG_BYTES, type SessionKey, sessionKeys, writeIv } from './srtpKeys.ts';

/** Rollover counters that are tried for the first packet of an SSRC: its start may have been lost across a wrap. */
const FIRST_ROC_GUESSES = 3;
/** Packets of one SSRC in a row that fail before the next rollover counter is tried: more than 2^15 packets were lost. */
const RESYNC_AFTER_FAILURES = 16;
/** Senders of RTCP that replay protection is kept for: one per consumer, with room for worker restarts. */
const MAX_RTCP_SENDERS = 256;
/** E flag (the body is encrypted) and 31-bit index that end an SRTCP packet (RFC 3711 section 3.4). */
const SRTCP_INDEX_BYTES = 4;
const RTCP_HEADER_BYTES = 8;

interface Stream {
  /** Rollover counter and highest sequence number of an authentic packet (RFC 3711 section 3.3.1). */
  roc: number;
  newest: number;
  replay: ReplayWindow;
  failures: number;
}

export class SrtpReceiver {
  /** Datagrams that were dropped, by reason. */
  readonly drops = { malformed: 0, unauthentic: 0, replayed: 0 };
  readonly #rtp: SessionKey;
  readonly #rtcp: SessionKey;
  readonly #streams = new Map<number, Stream>();
  readonly #rtcpReplay = new Map<number, ReplayWindow>();
  readonly #iv = Buffer.alloc(12);
  readonly #rtcpAad = Buffer.alloc(RTCP_HEADER_BYTES + SRTCP_INDEX_BYTES);

  constructor(parameters: SrtpParameters) {
    const keys = sessionKeys(parameters);
    this.#rtp = keys.rtp;
    this.#rtcp = keys.rtcp;
  }

  /** The packet; null where it is malformed, not authentic, or was received before. */
  unprotectRtp(datagram: Buffer): RtpPacket | null {
    const header = rtpHeaderBytes(datagram);
    if (header === 0 || datagram.length < header + GCM_TAG_BYTES) {
      this.drops.malformed++;
      return null;
    }
    const ssrc = datagram.readUInt32BE(8);
    const sequence = datagram.readUInt16BE(2);
    const stream = this.#streams.get(ssrc);
    const opened = stream
      ? this.#open(datagram, header, sequence, stream)
      : this.#openFirst(datagram, header, sequence);
    if (!opened) return null;
    const payload = withoutPadding(opened.payload, ((datagram[0] ?? 0) & 0x20) !== 0);
    if (!payload) {
      this.drops.malformed++;
      return null;
    }
    const second = datagram[1] ?? 0;
    return {
      index: opened.roc * 0x10000 + sequence,
      timestamp: datagram.readUInt32BE(4),
      marker: (second & 0x80) !== 0,
      payloadType: second & 0x7f,
      ssrc,
      payload,
    };
  }

  /** The compound packet; null where it is malformed, not authentic, not encrypted, or was received before. */
  unprotectRtcp(datagram: Buffer): Buffer | null {
    if (datagram.length < RTCP_HEADER_BYTES + GCM_TAG_BYTES + SRTCP_INDEX_BYTES) {
      this.drops.malformed++;
      return null;
    }
    const indexAt = datagram.length - SRTCP_INDEX_BYTES;
    const word = datagram.readUInt32BE(indexAt);
    const index = word & 0x7fffffff;
    if (word >>> 31 === 0) {
      this.drops.malformed++;
      return null;
    }
    const ssrc = datagram.readUInt32BE(4);
    const replay = this.#rtcpReplay.get(ssrc);
    if (replay && !replay.accepts(index)) {
      this.drops.replayed++;
      return null;
    }
    datagram.copy(this.#rtcpAad, 0, 0, RTCP_HEADER_BYTES);
    datagram.copy(this.#rtcpAad, RTCP_HEADER_BYTES, indexAt);
    writeIv(this.#iv, this.#rtcp.salt, ssrc, index >>> 16, index & 0xffff);
    const body = this.#decrypt(this.#rtcp, this.#rtcpAad, datagram, RTCP_HEADER_BYTES, indexAt);
    if (!body) {
      this.drops.unauthentic++;
      return null;
    }
    this.#rememberRtcp(ssrc, index);
    return Buffer.concat([datagram.subarray(0, RTCP_HEADER_BYTES), body]);
  }

  #rememberRtcp(ssrc: number, index: number): void {
    let replay = this.#rtcpReplay.get(ssrc);
    if (!replay) {
      if (this.#rtcpReplay.size >= MAX_RTCP_SENDERS) this.#rtcpReplay.clear();
      replay = new ReplayWindow();
      this.#rtcpReplay.set(ssrc, replay);
    }
    replay.add(index);
  }

  #openFirst(datagram: Buffer, header: number, sequence: number): { payload: Buffer; roc: number } | null {
    for (let roc = 0; roc < FIRST_ROC_GUESSES; roc++) {
      const payload = this.#decryptRtp(datagram, header, sequence, roc);
      if (!payload) continue;
      const replay = new ReplayWindow();
      replay.add(roc * 0x10000 + sequence);
      this.#streams.set(datagram.readUInt32BE(8), { roc, newest: sequence, replay, failures: 0 });
      return { payload, roc };
    }
    this.drops.unauthentic++;
    return null;
  }

  #open(datagram: Buffer, header: number, sequence: number, stream: Stream): { payload: Buffer; roc: number } | null {
    let roc = estimateRoc(stream.roc, stream.newest, sequence);
    if (roc < 0 || !stream.replay.accepts(roc * 0x10000 + sequence)) {
      this.drops.replayed++;
      return null;
    }
    let payload = this.#decryptRtp(datagram, header, sequence, roc);
    if (!payload && ++stream.failures >= RESYNC_AFTER_FAILURES)
      payload = this.#decryptRtp(datagram, header, sequence, ++roc);
    if (!payload) {
      this.drops.unauthentic++;
      return null;
    }
    stream.failures = 0;
    stream.replay.add(roc * 0x10000 + sequence);
    if (roc > stream.roc || (roc === stream.roc && sequence > stream.newest)) {
      stream.roc = roc;
      stream.newest = sequence;
    }
    return { payload, roc };
  }

  #decryptRtp(datagram: Buffer, header: number, sequence: number, roc: number): Buffer | null {
    writeIv(this.#iv, this.#rtp.salt, datagram.readUInt32BE(8), roc, sequence);
    return this.#decrypt(this.#rtp, datagram.subarray(0, header), datagram, header, datagram.length);
  }

  /** Decrypts `datagram[start, end)`, of which the last 16 octets are the tag. */
  #decrypt(session: SessionKey, aad: Buffer, datagram: Buffer, start: number, end: number): Buffer | null {
    const decipher = createDecipheriv('aes-128-gcm', session.key, this.#iv, { authTagLength: GCM_TAG_BYTES });
    decipher.setAAD(aad);
    decipher.setAuthTag(datagram.subarray(end - GCM_TAG_BYTES, end));
    const plain = decipher.update(datagram.subarray(start, end - GCM_TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return plain;
  }
}

/** RFC 3711 appendix A: the rollover counter that brings the packet nearest to the newest one; -1 before the start. */
export function estimateRoc(roc: number, newest: number, sequence: number): number {
  if (newest < 0x8000) return sequence - newest > 0x8000 ? roc - 1 : roc;
  return newest - 0x8000 > sequence ? roc + 1 : roc;
}
