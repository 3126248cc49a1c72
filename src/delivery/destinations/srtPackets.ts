/**
 * The few fields of SRT packets that a relay looks at (draft-sharabayko-srt-01 sections 3 to 3.2). Payloads may be encrypted; none of these is.
 */

const HEADER_BYTES = 16;
const CONTROL_FLAG = 0x8000;
const RETRANSMITTED = 0x0400_0000;
const SEQUENCE_MASK = 0x7fff_ffff;
const TYPES = { HANDSHAKE: 0, ACK: 2, SHUTDOWN: 5 } as const;
/** Handshake Type of the last step of a handshake. */
const CONCLUSION = 0xffff_ffff;
/** A Handshake Type of at least this is a refusal: this plus its reason. Larger than any reason are the types that are none. */
const REJECTION = 1000;
const MAX_REJECTION = 10_000;

export type SrtPacket =
  | { type: 'data'; sequence: number; payloadBytes: number; again: boolean }
  | { type: 'ack'; sequence: number }
  /** The last step, with the sender's socket id. */
  | { type: 'conclusion'; socketId: number }
  | { type: 'rejection'; reason: number }
  | { type: 'shutdown' }
  | { type: 'other' };

export function readSrtPacket(packet: Buffer): SrtPacket {
  if (packet.length < HEADER_BYTES) return { type: 'other' };
  const first = packet.readUInt16BE(0);
  if ((first & CONTROL_FLAG) === 0) {
    const sequence = packet.readUInt32BE(0) & SEQUENCE_MASK;
    const again = (packet.readUInt32BE(4) & RETRANSMITTED) !== 0;
    return { type: 'data', sequence, payloadBytes: packet.length - HEADER_BYTES, again };
  }
  switch (first & ~CONTROL_FLAG) {
    case TYPES.ACK:
      if (packet.length < HEADER_BYTES + 4) return { type: 'other' };
      return { type: 'ack', sequence: packet.readUInt32BE(HEADER_BYTES) & SEQUENCE_MASK };
    case TYPES.SHUTDOWN:
      return { type: 'shutdown' };
    case TYPES.HANDSHAKE:
      return readHandshake(packet);
    default:
      return { type: 'other' };
  }
}

/** Section 3.2.1: the Handshake Type stands 20 bytes into the control information, the SRT Socket ID behind it. */
function readHandshake(packet: Buffer): SrtPacket {
  if (packet.length < HEADER_BYTES + 28) return { type: 'other' };
  const kind = packet.readUInt32BE(HEADER_BYTES + 20);
  if (kind === CONCLUSION) return { type: 'conclusion', socketId: packet.readUInt32BE(HEADER_BYTES + 24) };
  if (kind >= REJECTION && kind < MAX_REJECTION) return { type: 'rejection', reason: kind - REJECTION };
  return { type: 'other' };
}

/** Section 3.2.7: the connection ends. The control information is four bytes of nothing, since none at all confuses some. */
export function shutdownPacket(socketId: number, timestampUs: number): Buffer {
  const packet = Buffer.alloc(HEADER_BYTES + 4);
  packet.writeUInt16BE(CONTROL_FLAG | TYPES.SHUTDOWN, 0);
  packet.writeUInt32BE(timestampUs >>> 0, 8);
  packet.writeUInt32BE(socketId, 12);
  return packet;
}

/** How many packets `to` is after `from`; sequence numbers are 31 bits and wrap. Negative when it is before. */
export function sequenceDistance(from: number, to: number): number {
  const ahead = (to - from) & SEQUENCE_MASK;
  return ahead > SEQUENCE_MASK / 2 ? ahead - SEQUENCE_MASK - 1 : ahead;
}

/** Reasons of section 4.3 table 7 that a person can do something about, and those that servers choose (libsrt's access-control.md). */
const REJECTIONS: Record<number, string> = {
  2: 'the server refused the stream key',
  5: 'the server has no room for another connection',
  7: 'the server is closing',
  8: 'the server wants another SRT version',
  10: 'the passphrase is wrong',
  11: 'only one side has a passphrase',
  1400: 'the server does not understand the stream key',
  1401: 'the server refused the stream key (not authorised)',
  1402: 'the server is overloaded',
  1403: 'the server refused the stream key (forbidden)',
  1404: 'the server does not know the stream key',
  1409: 'the stream key is in use at the server',
  1423: 'the stream key is locked at the server',
};

export const rejectionSentence = (reason: number): string =>
  REJECTIONS[reason] ?? `the server refused the connection (SRT reason ${1000 + reason})`;
