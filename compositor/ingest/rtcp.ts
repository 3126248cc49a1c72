/**
 * RTCP as ingest needs it: reads sender reports, BYE and generic NACK, writes generic NACK, PLI, receiver and sender reports (RFC 3550,
 * RFC 4585).
 */

const TYPE = {
  senderReport: 200,
  receiverReport: 201,
  bye: 203,
  transportFeedback: 205,
  payloadFeedback: 206,
} as const;
/** Feedback message types (RFC 4585 sections 6.2.1 and 6.3.1). */
const FORMAT_GENERIC_NACK = 1;
const FORMAT_PLI = 1;
/** Seconds from NTP's epoch, 1900, to 1970. */
const NTP_TO_UNIX_SECONDS = 2_208_988_800;
/** Report blocks that one receiver report can hold (RFC 3550 section 6.4.2: five bits). */
export const MAX_REPORT_BLOCKS = 31;

export interface SenderReport {
  ssrc: number;
  /** The sender's wall clock, ms since 1970. */
  ntpMs: number;
  /** Middle 32 bits of the NTP timestamp, for `lastSenderReport` of a report block. */
  compactNtp: number;
  /** RTP timestamp of the same instant, 32 bits. */
  rtpTimestamp: number;
}

export interface RtcpContent {
  reports: SenderReport[];
  /** SSRCs that said BYE. */
  gone: number[];
  /** What is asked for again of what we send: sequence numbers of an SSRC. */
  missed: { ssrc: number; sequences: number[] }[];
}

/** Reads what ingest uses of a compound packet. Stops where it is malformed; what came before counts. */
export function parseRtcp(compound: Buffer): RtcpContent {
  const content: RtcpContent = { reports: [], gone: [], missed: [] };
  let at = 0;
  while (at + 4 <= compound.length) {
    const first = compound.readUInt8(at);
    const end = at + 4 + 4 * compound.readUInt16BE(at + 2);
    if (first >>> 6 !== 2 || end > compound.length) break;
    const type = compound.readUInt8(at + 1);
    if (type === TYPE.senderReport && end - at >= 28) content.reports.push(parseSenderReport(compound, at));
    if (type === TYPE.bye) {
      const count = Math.min(first & 0x1f, (end - at - 4) >>> 2);
      for (let i = 0; i < count; i++) content.gone.push(compound.readUInt32BE(at + 4 + 4 * i));
    }
    if (type === TYPE.transportFeedback && (first & 0x1f) === FORMAT_GENERIC_NACK && end - at >= 12)
      content.missed.push(parseNack(compound, at, end));
    at = end;
  }
  return content;
}

function parseSenderReport(compound: Buffer, at: number): SenderReport {
  const seconds = compound.readUInt32BE(at + 8);
  const fraction = compound.readUInt32BE(at + 12);
  return {
    ssrc: compound.readUInt32BE(at + 4),
    ntpMs: (seconds - NTP_TO_UNIX_SECONDS) * 1000 + (fraction / 2 ** 32) * 1000,
    compactNtp: (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0,
    rtpTimestamp: compound.readUInt32BE(at + 16),
  };
}

/** Each entry names a packet, and by a mask which of the 16 after it. */
function parseNack(compound: Buffer, at: number, end: number): RtcpContent['missed'][number] {
  const sequences: number[] = [];
  for (let entry = at + 12; entry < end; entry += 4) {
    const first = compound.readUInt16BE(entry);
    const mask = compound.readUInt16BE(entry + 2);
    sequences.push(first);
    for (let i = 0; i < 16; i++) if (mask & (1 << i)) sequences.push((first + 1 + i) % 0x10000);
  }
  return { ssrc: compound.readUInt32BE(at + 8), sequences };
}

function feedback(type: number, format: number, sender: number, media: number, entries: number): Buffer {
  const packet = Buffer.alloc(12 + 4 * entries);
  packet.writeUInt8(0x80 | format, 0);
  packet.writeUInt8(type, 1);
  packet.writeUInt16BE(2 + entries, 2);
  packet.writeUInt32BE(sender, 4);
  packet.writeUInt32BE(media, 8);
  return packet;
}

/** Asks for sequence numbers again, 17 to an entry where they are near (RFC 4585 section 6.2.1). `indices` grow. */
export function genericNack(sender: number, media: number, indices: readonly number[]): Buffer {
  const entries: { first: number; mask: number }[] = [];
  for (const index of indices) {
    const last = entries.at(-1);
    const distance = last ? index - last.first : 0;
    if (last && distance >= 1 && distance <= 16) last.mask |= 1 << (distance - 1);
    else entries.push({ first: index, mask: 0 });
  }
  const packet = feedback(TYPE.transportFeedback, FORMAT_GENERIC_NACK, sender, media, entries.length);
  for (const [i, { first, mask }] of entries.entries()) {
    packet.writeUInt16BE(first % 0x10000, 12 + 4 * i);
    packet.writeUInt16BE(mask, 14 + 4 * i);
  }
  return packet;
}

/** Picture loss indication: asks for a key frame (RFC 4585 section 6.3.1). */
export function pictureLossIndication(sender: number, media: number): Buffer {
  return feedback(TYPE.payloadFeedback, FORMAT_PLI, sender, media, 0);
}

/** One report block (RFC 3550 section 6.4.1). */
export interface ReportBlock {
  ssrc: number;
  /** Lost since the last report, in 1/256 of the expected. */
  fractionLost: number;
  /** Lost since the start, 24 bits signed. */
  totalLost: number;
  /** Extended highest sequence number, 32 bits. */
  highest: number;
  /** In ticks of the RTP clock. */
  jitter: number;
  lastSenderReport: number;
  /** Since that report, in 1/65536 s. */
  delaySinceLastSenderReport: number;
}

/** At most MAX_REPORT_BLOCKS blocks. */
export function receiverReport(sender: number, blocks: readonly ReportBlock[]): Buffer {
  const packet = Buffer.alloc(8 + 24 * blocks.length);
  packet.writeUInt8(0x80 | blocks.length, 0);
  packet.writeUInt8(TYPE.receiverReport, 1);
  packet.writeUInt16BE(1 + 6 * blocks.length, 2);
  packet.writeUInt32BE(sender, 4);
  for (const [i, block] of blocks.entries()) {
    const at = 8 + 24 * i;
    packet.writeUInt32BE(block.ssrc, at);
    packet.writeUInt8(block.fractionLost, at + 4);
    packet.writeIntBE(block.totalLost, at + 5, 3);
    packet.writeUInt32BE(block.highest, at + 8);
    packet.writeUInt32BE(block.jitter, at + 12);
    packet.writeUInt32BE(block.lastSenderReport, at + 16);
    packet.writeUInt32BE(block.delaySinceLastSenderReport, at + 20);
  }
  return packet;
}

/** What a sender report tells of one stream (RFC 3550 section 6.4.1). */
export interface SentReport {
  ssrc: number;
  /** Our wall clock, ms since 1970, and the RTP timestamp of the same instant, 32 bits. */
  ntpMs: number;
  rtpTimestamp: number;
  /** Sent since the start; both wrap at 32 bits. */
  packets: number;
  octets: number;
}

/** A sender report without blocks. */
export function senderReport({ ssrc, ntpMs, rtpTimestamp, packets, octets }: SentReport): Buffer {
  const packet = Buffer.alloc(28);
  packet.writeUInt8(0x80, 0);
  packet.writeUInt8(TYPE.senderReport, 1);
  packet.writeUInt16BE(6, 2);
  packet.writeUInt32BE(ssrc, 4);
  const seconds = Math.floor(ntpMs / 1000);
  packet.writeUInt32BE((seconds + NTP_TO_UNIX_SECONDS) % 2 ** 32, 8);
  packet.writeUInt32BE(Math.floor(((ntpMs - seconds * 1000) / 1000) * 2 ** 32), 12);
  packet.writeUInt32BE(rtpTimestamp % 2 ** 32, 16);
  packet.writeUInt32BE(packets % 2 ** 32, 20);
  packet.writeUInt32BE(octets % 2 ** 32, 24);
  return packet;
}
