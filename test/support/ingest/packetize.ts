/** RTP packets of test media, plain (no SRTP). */

export const MTU_PAYLOAD = 1_100;

export interface RtpFields {
  payloadType: number;
  sequence: number;
  timestamp: number;
  ssrc: number;
  marker: boolean;
}

export function rtp(fields: RtpFields, payload: Buffer): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = (fields.marker ? 0x80 : 0) | fields.payloadType;
  header.writeUInt16BE(fields.sequence & 0xffff, 2);
  header.writeUInt32BE(fields.timestamp >>> 0, 4);
  header.writeUInt32BE(fields.ssrc, 8);
  return Buffer.concat([header, payload]);
}

/** Payloads of a VP8 frame with a 15-bit PictureID (RFC 7741). */
export function vp8Payloads(frame: Buffer, pictureId: number, size = MTU_PAYLOAD): Buffer[] {
  const payloads: Buffer[] = [];
  for (let at = 0; at < frame.length; at += size) {
    const descriptor = Buffer.from([at === 0 ? 0x90 : 0x80, 0x80, 0x80 | ((pictureId >> 8) & 0x7f), pictureId & 0xff]);
    payloads.push(Buffer.concat([descriptor, frame.subarray(at, at + size)]));
  }
  return payloads;
}

/** Payloads of an H.264 access unit as Chromium makes them: SPS and PPS in a STAP-A, large slices in FU-A (RFC 6184). */
export function h264Payloads(units: readonly Buffer[], size = MTU_PAYLOAD): Buffer[] {
  const payloads: Buffer[] = [];
  const sets = units.filter((unit) => [7, 8].includes((unit[0] ?? 0) & 0x1f));
  if (sets.length > 0) {
    const parts = sets.flatMap((unit) => [Buffer.from([unit.length >> 8, unit.length & 0xff]), unit]);
    payloads.push(Buffer.concat([Buffer.from([0x60 | 24]), ...parts]));
  }
  for (const unit of units) {
    const header = unit[0] ?? 0;
    if ([7, 8].includes(header & 0x1f)) continue;
    if (unit.length <= size) {
      payloads.push(unit);
      continue;
    }
    for (let at = 1; at < unit.length; at += size) {
      const first = at === 1 ? 0x80 : 0;
      const last = at + size >= unit.length ? 0x40 : 0;
      const fu = Buffer.from([(header & 0xe0) | 28, first | last | (header & 0x1f)]);
      payloads.push(Buffer.concat([fu, unit.subarray(at, at + size)]));
    }
  }
  return payloads;
}

/** RTCP sender report without blocks (RFC 3550 section 6.4.1); `unixMs` is the wall clock of `timestamp`. */
export function senderReport(o: {
  ssrc: number;
  unixMs: number;
  timestamp: number;
  packets: number;
  octets: number;
}): Buffer {
  const packet = Buffer.alloc(28);
  packet[0] = 0x80;
  packet[1] = 200;
  packet.writeUInt16BE(6, 2);
  packet.writeUInt32BE(o.ssrc, 4);
  packet.writeUInt32BE(Math.floor(o.unixMs / 1000) + 2_208_988_800, 8);
  packet.writeUInt32BE(Math.floor(((o.unixMs % 1000) / 1000) * 2 ** 32), 12);
  packet.writeUInt32BE(o.timestamp >>> 0, 16);
  packet.writeUInt32BE(o.packets, 20);
  packet.writeUInt32BE(o.octets, 24);
  return packet;
}
