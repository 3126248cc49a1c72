/** RTP payload format for VP8 (RFC 7741). */
import type { CodecFrame, FrameStart, VideoCodec } from './VideoCodec.ts';

/** Octets of the payload descriptor (section 4.2); 0 where it is longer than the payload. */
function descriptorBytes(payload: Buffer): number {
  const first = payload[0] ?? 0;
  let length = 1;
  if (first & 0x80) {
    const extension = payload[1] ?? 0;
    length++;
    if (extension & 0x80) length += (payload[length] ?? 0) & 0x80 ? 2 : 1;
    if (extension & 0x40) length++;
    if (extension & 0x30) length++;
  }
  return length < payload.length ? length : 0;
}

/** S bit with partition 0: the first packet of a frame. */
const isStart = (payload: Buffer): boolean => ((payload[0] ?? 0) & 0x17) === 0x10;

/** Octets of a key frame's header: frame tag, start code, size (RFC 6386 section 9.1). */
const KEY_HEADER_BYTES = 10;

function isKeyFrame(data: Buffer, at: number): boolean {
  if (data.length < at + KEY_HEADER_BYTES || ((data[at] ?? 1) & 1) !== 0) return false;
  return data[at + 3] === 0x9d && data[at + 4] === 0x01 && data[at + 5] === 0x2a;
}

export const vp8: VideoCodec = {
  exactStart: true,
  startOf(payload: Buffer): FrameStart {
    return isStart(payload) ? 'yes' : 'no';
  },
  startsKeyFrame(payload: Buffer): boolean {
    const descriptor = descriptorBytes(payload);
    return descriptor > 0 && isStart(payload) && isKeyFrame(payload, descriptor);
  },
  assemble(payloads: readonly Buffer[]): CodecFrame | null {
    const parts: Buffer[] = [];
    for (const payload of payloads) {
      const descriptor = descriptorBytes(payload);
      if (descriptor === 0) return null;
      parts.push(payload.subarray(descriptor));
    }
    const data = Buffer.concat(parts);
    const saysKey = ((data[0] ?? 1) & 1) === 0;
    const keyFrame = isKeyFrame(data, 0);
    return saysKey === keyFrame ? { data, keyFrame } : null;
  },
};
