/** RTP payload format for AV1 (AOMedia, v1.0): a temporal unit → payloads with OBU elements. */

const TEMPORAL_DELIMITER = 2;
const NEW_SEQUENCE = 0x08;
const CONTINUES = 0x80;
const CONTINUED = 0x40;

/** leb128() (AV1 bitstream specification, section 4.10.5) at `at`. */
function readSize(data: Buffer, at: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; ; i++) {
    const octet = data[at + i] ?? 0;
    value += (octet & 0x7f) * 2 ** (7 * i);
    if (!(octet & 0x80)) return { value, end: at + i + 1 };
  }
}

/** The OBUs of a temporal unit without their size fields; the delimiter stays out (section 5 of the RTP format). */
function obusOf(unit: Buffer): Buffer[] {
  const obus: Buffer[] = [];
  for (let at = 0; at < unit.length; ) {
    const first = unit[at] ?? 0;
    const headerBytes = first & 0x04 ? 2 : 1;
    const size = first & 0x02 ? readSize(unit, at + headerBytes) : null;
    const start = size ? size.end : at + headerBytes;
    const end = size ? size.end + size.value : unit.length;
    const header = Buffer.from(unit.subarray(at, at + headerBytes));
    header[0] = first & ~0x02;
    if (((first >> 3) & 15) !== TEMPORAL_DELIMITER) obus.push(Buffer.concat([header, unit.subarray(start, end)]));
    at = end;
  }
  return obus;
}

/** Each payload holds one element or the piece of one (W = 1), but small OBUs, such as the sequence header, go with the next. */
export function packetizeAv1(unit: Buffer, key: boolean, mtu: number): Buffer[] {
  const payloads: Buffer[] = [];
  let small: Buffer[] = [];
  const obus = obusOf(unit);
  for (const [i, obu] of obus.entries()) {
    if (obu.length < 64 && small.length < 2 && i < obus.length - 1) {
      small.push(obu);
      continue;
    }
    for (let offset = 0; offset < obu.length; offset += mtu) {
      const before = small.flatMap((element) => [Buffer.from([element.length]), element]);
      const header =
        (offset > 0 ? CONTINUES : 0) |
        (offset + mtu < obu.length ? CONTINUED : 0) |
        ((small.length + 1) << 4) |
        (key && payloads.length === 0 ? NEW_SEQUENCE : 0);
      payloads.push(Buffer.concat([Buffer.from([header]), ...before, obu.subarray(offset, offset + mtu)]));
      small = [];
    }
  }
  return payloads;
}
