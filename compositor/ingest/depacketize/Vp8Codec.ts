/** RTP payload format for VP8 (RFC 7741). */
import { PictureCounter, type PictureCounters } from './PictureCounter.ts';
import type { CodecFrame, FrameStart, VideoCodec } from './VideoCodec.ts';

interface Descriptor extends PictureCounters {
  /** Octets of the descriptor. */
  length: number;
}

/** The payload descriptor (section 4.2); null where nothing comes behind it. */
function descriptorOf(payload: Buffer): Descriptor | null {
  const first = payload[0] ?? 0;
  const found: Descriptor = { length: 1, id: null, tl0: null, temporal: 0 };
  if (first & 0x80) {
    const extension = payload[found.length++] ?? 0;
    if (extension & 0x80) {
      const high = payload[found.length++] ?? 0;
      found.id =
        high & 0x80
          ? { value: ((high & 0x7f) << 8) | (payload[found.length++] ?? 0), bits: 15 }
          : { value: high, bits: 7 };
    }
    if (extension & 0x40) found.tl0 = payload[found.length++] ?? 0;
    if (extension & 0x30) {
      const layer = payload[found.length++] ?? 0;
      if (extension & 0x20) found.temporal = layer >> 6;
    }
  }
  return found.length < payload.length ? found : null;
}

/** S bit with partition 0: the first packet of a frame. */
const isStart = (payload: Buffer): boolean => ((payload[0] ?? 0) & 0x17) === 0x10;

/** Octets of a key frame's header: frame tag, start code, size (RFC 6386 section 9.1). */
const KEY_HEADER_BYTES = 10;

function isKeyFrame(data: Buffer, at: number): boolean {
  if (data.length < at + KEY_HEADER_BYTES || ((data[at] ?? 1) & 1) !== 0) return false;
  return data[at + 3] === 0x9d && data[at + 4] === 0x01 && data[at + 5] === 0x2a;
}

/** Holds the counters of one stream. */
export class Vp8Codec implements VideoCodec {
  readonly exactStart = true;
  readonly #counter = new PictureCounter();

  startOf(payload: Buffer): FrameStart {
    return isStart(payload) ? 'yes' : 'no';
  }

  startsKeyFrame(payload: Buffer): boolean {
    const descriptor = descriptorOf(payload);
    return descriptor !== null && isStart(payload) && isKeyFrame(payload, descriptor.length);
  }

  assemble(payloads: readonly Buffer[]): CodecFrame | null {
    const parts: Buffer[] = [];
    let first: Descriptor | null = null;
    for (const payload of payloads) {
      const descriptor = descriptorOf(payload);
      if (!descriptor) return null;
      first ??= descriptor;
      parts.push(payload.subarray(descriptor.length));
    }
    const data = Buffer.concat(parts);
    const saysKey = ((data[0] ?? 1) & 1) === 0;
    const keyFrame = isKeyFrame(data, 0);
    if (!first || saysKey !== keyFrame) return null;
    if (!keyFrame) return { data, keyFrame, continuous: this.#counter.follows(first, true) };
    this.#counter.restart(first);
    return { data, keyFrame, continuous: true };
  }
}
