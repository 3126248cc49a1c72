/**
 * RTP payload format for AV1 (AOMedia, "RTP Payload Format For AV1", v1.0): OBU elements and their fragments in; a temporal unit in the low-overhead
 * bitstream format out (AV1 bitstream specification, section 5.2): a temporal delimiter, then each OBU with its size. All spatial
 * layers of one instant are one temporal unit, which the marker ends.
 */
import type { CodecFrame, FrameStart, VideoCodec } from './VideoCodec.ts';

const OBU = { sequenceHeader: 1, temporalDelimiter: 2, frameHeader: 3, frame: 6, tileList: 8, padding: 15 } as const;
/** Aggregation header (section 4.4): the first element goes on from, and the last goes on in, another packet; new sequence. */
const CONTINUES = 0x80;
const CONTINUED = 0x40;
const NEW_SEQUENCE = 0x08;
const HAS_EXTENSION = 0x04;
const HAS_SIZE = 0x02;
const DELIMITER = Buffer.from([(OBU.temporalDelimiter << 3) | HAS_SIZE, 0]);
const NOTHING = Buffer.alloc(0);
/** leb128() is at most 8 octets (section 4.10.5); of these 4 are enough for all that fits into packets. */
const MAX_SIZE_BYTES = 8;

const typeOf = (obu: Buffer): number => ((obu[0] ?? 0) >> 3) & 15;

/** leb128() at `at`; null where it goes beyond the end or 32 bits. */
function readSize(data: Buffer, at: number): { value: number; end: number } | null {
  let value = 0;
  for (let i = 0; i < MAX_SIZE_BYTES && at + i < data.length; i++) {
    const octet = data[at + i] ?? 0;
    value += (octet & 0x7f) * 2 ** (7 * i);
    if (octet & 0x80) continue;
    return value < 2 ** 32 ? { value, end: at + i + 1 } : null;
  }
  return null;
}

function writeSize(value: number): Buffer {
  const octets: number[] = [];
  let rest = value;
  do {
    octets.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(octets);
}

/** The OBU elements of one payload (section 4.4); null where a size goes beyond it. */
function elementsOf(payload: Buffer): Buffer[] | null {
  const elements: Buffer[] = [];
  const count = ((payload[0] ?? 0) >> 4) & 3;
  let at = 1;
  while (at < payload.length) {
    // With a count the last element has no size before it.
    const last = count > 0 && elements.length === count - 1;
    const size = last ? { value: payload.length - at, end: at } : readSize(payload, at);
    if (!size || size.end + size.value > payload.length) return null;
    elements.push(payload.subarray(size.end, size.end + size.value));
    at = size.end + size.value;
  }
  return elements.length === 0 || (count > 0 && elements.length !== count) ? null : elements;
}

/** The OBUs of one temporal unit; null where fragments do not fit together. */
function obusOf(payloads: readonly Buffer[]): Buffer[] | null {
  const obus: Buffer[] = [];
  let fragments: Buffer[] = [];
  for (const payload of payloads) {
    const header = payload[0] ?? 0;
    const elements = elementsOf(payload);
    if (!elements || ((header & CONTINUES) !== 0) !== fragments.length > 0) return null;
    for (const [i, element] of elements.entries()) {
      fragments.push(element);
      if (i === elements.length - 1 && header & CONTINUED) continue;
      const obu = Buffer.concat(fragments);
      fragments = [];
      if (obu.length > 0) obus.push(obu);
    }
  }
  return fragments.length > 0 ? null : obus;
}

/** The header's octets and the content of an OBU; null where the header is broken. */
function splitObu(obu: Buffer): { header: Buffer; content: Buffer } | null {
  const first = obu[0] ?? 0x80;
  const headerBytes = first & HAS_EXTENSION ? 2 : 1;
  if (first & 0x80 || obu.length < headerBytes) return null;
  const header = Buffer.from(obu.subarray(0, headerBytes));
  header[0] = first | HAS_SIZE;
  if (!(first & HAS_SIZE)) return { header, content: obu.subarray(headerBytes) };
  const size = readSize(obu, headerBytes);
  if (!size || size.end + size.value > obu.length) return null;
  return { header, content: obu.subarray(size.end, size.end + size.value) };
}

/** show_existing_frame is 0 and frame_type is KEY_FRAME (AV1 bitstream specification, section 5.9.2). */
const isKeyHeader = (content: Buffer): boolean => ((content[0] ?? 0xff) & 0xe0) === 0;

/** Holds the sequence header of one stream. */
export class Av1Codec implements VideoCodec {
  readonly exactStart = false;
  #sequenceHeader: Buffer | null = null;

  startOf(payload: Buffer): FrameStart {
    const header = payload[0] ?? CONTINUES;
    if (header & CONTINUES) return 'no';
    return header & NEW_SEQUENCE ? 'yes' : 'maybe';
  }

  startsKeyFrame(payload: Buffer): boolean {
    const header = payload[0] ?? CONTINUES;
    if (header & CONTINUES) return false;
    if (header & NEW_SEQUENCE) return true;
    return (elementsOf(payload) ?? []).some((element) => element.length > 0 && typeOf(element) === OBU.sequenceHeader);
  }

  assemble(payloads: readonly Buffer[]): CodecFrame | null {
    const obus = obusOf(payloads);
    if (!obus) return null;
    const unit: Buffer[] = [];
    let sequence = false;
    let keyFrame: boolean | null = null;
    for (const obu of obus) {
      const type = typeOf(obu);
      if (type === OBU.temporalDelimiter || type === OBU.tileList || type === OBU.padding) continue;
      const parts = splitObu(obu);
      if (!parts) return null;
      const whole = Buffer.concat([parts.header, writeSize(parts.content.length), parts.content]);
      if (type === OBU.sequenceHeader) {
        sequence = true;
        this.#sequenceHeader = whole;
      }
      // The first frame is that of the lowest spatial layer.
      if (type === OBU.frame || type === OBU.frameHeader) keyFrame ??= isKeyHeader(parts.content);
      unit.push(whole);
    }
    if (keyFrame === null) return { data: NOTHING, keyFrame: false, continuous: true };
    if (keyFrame && !sequence) {
      if (!this.#sequenceHeader) return null;
      unit.unshift(this.#sequenceHeader);
    }
    return { data: Buffer.concat([DELIMITER, ...unit]), keyFrame, continuous: true };
  }
}
