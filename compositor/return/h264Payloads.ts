/**
 * RTP payload format for H.264, packetization mode 1 (RFC 6184): an access unit as the encoder gives it (Annex B) → payloads in their order. Small
 * NAL units go as they are, large ones as FU-A; SPS and PPS go together before each IDR picture (STAP-A): that is how an SFU knows a key frame.
 * Pure. The other way is ingest/depacketize/H264Codec.ts.
 */
const NAL = { idr: 5, sps: 7, pps: 8, delimiter: 9, stapA: 24, fuA: 28 } as const;
const START_CODE = Buffer.from([0, 0, 1]);
const FU_START = 0x80;
const FU_END = 0x40;
/** F and NRI of a NAL unit's first octet. */
const HEAD_MASK = 0xe0;
const TYPE_MASK = 0x1f;

const typeOf = (unit: Buffer): number => (unit[0] ?? 0) & TYPE_MASK;

/** The NAL units of a byte stream (ITU-T H.264 annex B), without start codes. Views, no copies. */
export function nalUnits(stream: Buffer): Buffer[] {
  const units: Buffer[] = [];
  let begin = stream.indexOf(START_CODE);
  while (begin !== -1) {
    begin += START_CODE.length;
    const next = stream.indexOf(START_CODE, begin);
    let end = next === -1 ? stream.length : next;
    // Zeros before a start code are no part of the unit: none ends with one (section 7.4.1).
    while (end > begin && stream[end - 1] === 0) end--;
    if (end > begin) units.push(stream.subarray(begin, end));
    begin = next;
  }
  return units;
}

/** Whether one of the units is of an IDR picture. */
export const isIdr = (units: readonly Buffer[]): boolean => units.some((unit) => typeOf(unit) === NAL.idr);

/** The SPS and PPS among the units. */
export const parameterSets = (units: readonly Buffer[]): Buffer[] =>
  units.filter((unit) => typeOf(unit) === NAL.sps || typeOf(unit) === NAL.pps);

/** The payloads of one access unit, each of at most `mostBytes`; `sets` go before an IDR picture. Delimiters are left out (section 5.6 lets them be). */
export function h264Payloads(units: readonly Buffer[], sets: readonly Buffer[], mostBytes: number): Buffer[] {
  const pictures = units.filter((unit) => ![NAL.sps, NAL.pps, NAL.delimiter].includes(typeOf(unit) as never));
  const payloads: Buffer[] = [];
  if (isIdr(units)) payloads.push(...together(sets, mostBytes));
  for (const unit of pictures) {
    if (unit.length <= mostBytes) payloads.push(unit);
    else payloads.push(...fragments(unit, mostBytes));
  }
  return payloads;
}

/** One STAP-A (section 5.7.1), or each by itself where they are too large for one. */
function together(units: readonly Buffer[], mostBytes: number): Buffer[] {
  const bytes = units.reduce((sum, unit) => sum + 2 + unit.length, 1);
  if (bytes > mostBytes || units.length < 2) return [...units];
  const payload = Buffer.alloc(bytes);
  // The highest importance among them (NRI).
  payload[0] = Math.max(...units.map((unit) => (unit[0] ?? 0) & HEAD_MASK)) | NAL.stapA;
  let at = 1;
  for (const unit of units) {
    payload.writeUInt16BE(unit.length, at);
    unit.copy(payload, at + 2);
    at += 2 + unit.length;
  }
  return [payload];
}

/** FU-A (section 5.8), of about the same size each. */
function fragments(unit: Buffer, mostBytes: number): Buffer[] {
  const head = unit[0] ?? 0;
  const body = unit.subarray(1);
  const count = Math.ceil(body.length / (mostBytes - 2));
  const size = Math.ceil(body.length / count);
  return Array.from({ length: count }, (_, i) => {
    const piece = body.subarray(i * size, (i + 1) * size);
    const payload = Buffer.alloc(2 + piece.length);
    payload[0] = (head & HEAD_MASK) | NAL.fuA;
    payload[1] = (head & TYPE_MASK) | (i === 0 ? FU_START : 0) | (i === count - 1 ? FU_END : 0);
    piece.copy(payload, 2);
    return payload;
  });
}
