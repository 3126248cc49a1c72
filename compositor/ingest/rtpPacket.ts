/** One authenticated RTP packet as the stages of ingest see it (RFC 3550 section 5.1). */
export interface RtpPacket {
  /** 2^16 × rollover counter + sequence number: never wraps (RFC 3711 section 3.3.1). */
  readonly index: number;
  /** RTP timestamp as it stands in the packet, 32 bits. */
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payloadType: number;
  readonly ssrc: number;
  /** Without padding. */
  readonly payload: Buffer;
}

/** Octets of the fixed header. */
export const RTP_HEADER_BYTES = 12;
/** The fixed header's first octet: version 2 in the upper two bits. */
const VERSION_2 = 0x80;

/** True where a packet on a port with rtcp-mux is RTCP and not RTP: payload types 64 to 95 with the marker (RFC 5761 section 4). */
export function isRtcp(packet: Buffer): boolean {
  const second = packet[1] ?? 0;
  return second >= 192 && second <= 223;
}

/**
 * Octets of an RTP header with CSRC list and extension; 0 where the packet is no RTP of version 2 or its header says that
 * it is longer than the packet.
 */
export function rtpHeaderBytes(packet: Buffer): number {
  if (packet.length < RTP_HEADER_BYTES) return 0;
  const first = packet[0] ?? 0;
  if ((first & 0xc0) !== VERSION_2) return 0;
  let length = RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if (first & 0x10) {
    if (packet.length < length + 4) return 0;
    length += 4 + 4 * packet.readUInt16BE(length + 2);
  }
  return length <= packet.length ? length : 0;
}

/** The payload without its padding (the last octet counts it, itself included); null where that is more than there is. */
export function withoutPadding(payload: Buffer, padded: boolean): Buffer | null {
  if (!padded) return payload;
  const count = payload[payload.length - 1] ?? 0;
  return count === 0 || count > payload.length ? null : payload.subarray(0, payload.length - count);
}
